//! Compiles the example beside libcurl's headers; its `main` is called by ours.

use std::env;

fn main() {
    let source = "follow.c";
    println!("cargo:rerun-if-changed={source}");
    cc::Build::new()
        .file(source)
        .include(env::var("DEP_CURL_INCLUDE").expect("curl-sys tells where headers are"))
        .define("main", "follow_main")
        .warnings_into_errors(true)
        .compile("follow");
    println!("cargo:rustc-link-lib=cjson");
}

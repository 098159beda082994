//! Calls what was the example's `main`.

use std::env;
use std::ffi::{CString, c_char, c_int};
use std::process::exit;

// The crate that links libcurl.
use curl_sys as _;

unsafe extern "C" {
    fn follow_main(argc: c_int, argv: *const *const c_char) -> c_int;
}

fn main() {
    let words: Vec<CString> = env::args()
        .map(|word| CString::new(word).expect("no NUL in arguments"))
        .collect();
    let pointers: Vec<*const c_char> = words.iter().map(|word| word.as_ptr()).collect();
    // SAFETY: the pointers outlive the call, and their count is told.
    exit(unsafe { follow_main(pointers.len() as c_int, pointers.as_ptr()) });
}

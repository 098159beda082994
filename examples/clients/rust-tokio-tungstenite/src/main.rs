//! Prints each record of a session once, in order, whatever restarts in between.
//!
//! `cargo run --release -- ws://localhost:5000/ws/telemetry session_001`

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::{connect_async, tungstenite::Message};

/// Tailcast's own "do not come back"; every other code, or none, means: come back.
const STOP: [u16; 3] = [4400, 4401, 4409];

/// The server pings every 30 s: twice as long without a sign, and it is gone.
const SILENCE: Duration = Duration::from_secs(60);

/// A message of the server, as far as it concerns a follower.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    r#type: &'a str,
    cursor: Option<String>,
    to: Option<String>,
    // Kept as text: serde_json parses no more than 128 levels, and no digit changes.
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    close: Option<u16>,
    reconnect_after_ms: Option<u64>,
    retry_after_ms: Option<u64>,
}

/// Why a connection ended.
enum End {
    ComeBack,
    Stop,
}

/// What outlives a connection.
#[derive(Default)]
struct Follower {
    /// After the last record that was printed.
    cursor: Option<String>,
    /// Connections in a row that brought no message.
    failures: u32,
    /// How many milliseconds the server wants us to stay away.
    told_pause: Option<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let [_, url, session] = &std::env::args().collect::<Vec<_>>()[..] else {
        panic!("follow URL SESSION");
    };
    let mut follower = Follower::default();
    loop {
        follower.told_pause = None;
        match follower.follow_once(url, session).await {
            Ok(End::Stop) => {
                eprintln!("told to stay away");
                return ExitCode::FAILURE;
            }
            Ok(End::ComeBack) => eprintln!("connection lost"),
            Err(error) => eprintln!("{error}"),
        }
        sleep(follower.pause()).await;
        follower.failures += 1;
    }
}

impl Follower {
    /// One connection, from the kept cursor to its end.
    async fn follow_once(&mut self, url: &str, session: &str) -> Result<End, Box<dyn Error>> {
        let (mut socket, _) = timeout(SILENCE, connect_async(url)).await??;
        let from = match &self.cursor {
            Some(cursor) => json!({ "cursor": cursor }),
            None => json!("start"),
        };
        let subscribe = json!({ "type": "subscribe", "sessionId": session, "from": from });
        socket.send(Message::text(subscribe.to_string())).await?;
        while let Some(frame) = timeout(SILENCE, socket.next()).await? {
            match frame? {
                Message::Text(text) => match self.take(&text)? {
                    Some(end) => return Ok(end),
                    None => self.failures = 0, // an open socket proves nothing, a message does
                },
                Message::Close(Some(close)) if STOP.contains(&close.code.into()) => {
                    return Ok(End::Stop);
                }
                _ => {} // pings are answered by the library as we read on
            }
        }
        Ok(End::ComeBack)
    }

    /// Print what is new of a message; whether the connection has to end.
    fn take(&mut self, text: &str) -> Result<Option<End>, serde_json::Error> {
        let told: Told = serde_json::from_str(text)?;
        match (told.r#type, told.cursor, told.data) {
            ("telemetry", Some(cursor), Some(data)) => {
                let records: Vec<&RawValue> = serde_json::from_str(data.get())?;
                self.show(cursor, &records);
            }
            ("emergency", Some(cursor), Some(data)) => self.show(cursor, &[data]),
            ("gap", _, _) => self.go_on_from(text, told.to), // records that are gone for good
            ("rewind", cursor, _) => self.go_on_from(text, cursor), // the file began anew
            ("draining", _, _) => self.told_pause = told.reconnect_after_ms,
            ("error", _, _) => {
                eprintln!("{text}");
                if told.close.is_some_and(|code| STOP.contains(&code)) {
                    return Ok(Some(End::Stop));
                }
                self.told_pause = told.retry_after_ms;
                return Ok(told.retry_after_ms.map(|_| End::ComeBack));
            }
            _ => {}
        }
        Ok(None)
    }

    /// Print records, unless they are a repetition.
    fn show(&mut self, cursor: String, records: &[&RawValue]) {
        if self
            .cursor
            .as_deref()
            .is_some_and(|kept| place(&cursor) <= place(kept))
        {
            return;
        }
        for record in records {
            println!("{record}");
        }
        self.cursor = Some(cursor);
    }

    fn go_on_from(&mut self, text: &str, cursor: Option<String>) {
        eprintln!("{text}");
        self.cursor = cursor;
    }

    /// As told, else at random, so that clients do not come together, and ever longer.
    fn pause(&self) -> Duration {
        let limit = 20_000.min(1_000 << self.failures.min(5));
        Duration::from_millis(
            self.told_pause
                .unwrap_or_else(|| fastrand::u64(500..=limit)),
        )
    }
}

/// What orders cursors: their first two numbers.
fn place(cursor: &str) -> Vec<u64> {
    let numbers = cursor.split('-').take(2);
    numbers.map(|number| number.parse().unwrap_or(0)).collect()
}

//! The sliding minute in Redis. The server's clock has no hands to turn, so these tests write the past instead.

use std::time::Duration;

use gateway::{Limit, Limits, Permits};
use redis::aio::MultiplexedConnection;
use testkit::contract::permits::within;

use crate::{node, redis, settings};

/// A counter with a past: so many requests, so many seconds ago.
async fn write_past(connection: &mut MultiplexedConnection, key: &str, past: &[(i64, u64)]) {
    let (now, _): (i64, i64) = redis::cmd("TIME").query_async(connection).await.unwrap();
    let newest = now - past.iter().map(|(ago, _)| ago).min().unwrap();
    let sum: u64 = past.iter().map(|(_, count)| count).sum();
    let _: () = redis::cmd("DEL").arg(key).query_async(connection).await.unwrap();
    let mut write = redis::cmd("HSET");
    write.arg(key).arg("newest").arg(newest).arg("sum").arg(sum);
    for (ago, count) in past {
        write.arg((now - ago) % 61).arg(count);
    }
    let _: () = write.query_async(connection).await.unwrap();
}

#[tokio::test]
async fn what_is_older_than_a_minute_is_forgotten_and_the_rest_is_not() {
    let Some(server) = redis() else { return };
    let settings = settings(&server);
    let permits = node(&settings).await;
    let client = redis::Client::open(settings.url.expose()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("{{{}}}:permits:requests:acct_1", settings.prefix);
    let request = within("acct_1", Limits { requests_per_minute: Some(10), ..Limits::default() });

    write_past(&mut connection, &key, &[(50, 6), (40, 4)]).await;
    let denied = permits.acquire(&request).await.unwrap_err();
    assert_eq!(denied.limit, Limit::RequestsPerMinute);
    let wait = denied.retry_after;
    assert!((Duration::from_secs(5)..=Duration::from_secs(11)).contains(&wait), "{wait:?}");

    // Seven have left of which the counter still knows, as nobody asked since.
    write_past(&mut connection, &key, &[(65, 7), (40, 3)]).await;
    for _ in 0..7 {
        drop(permits.acquire(&request).await.unwrap());
    }
    permits.acquire(&request).await.unwrap_err();
    let sum: u64 = redis::cmd("HGET").arg(&key).arg("sum").query_async(&mut connection).await.unwrap();
    assert_eq!(sum, 10);

    write_past(&mut connection, &key, &[(300, 10)]).await;
    drop(permits.acquire(&request).await.unwrap());
    let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
    assert!((1..=61_000).contains(&left), "an idle counter goes away: {left} ms");
}

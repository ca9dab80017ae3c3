//! `Idempotency-Key`: asking again gets the first answer again.

use accounts::{Claim, Idempotent, KeptAnswer};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use vocab::Secret;
use wire::console::{ConsoleError, Problem};

use super::body::BODY_BYTES_MAX;
use super::who::Who;
use super::{Console, Refused};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longer answers are files, and are not looked at.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Refusals after which a client changes something other than its request.
const TRIED_AGAIN: [StatusCode; 3] =
    [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];

/// Runs a `POST` with an `Idempotency-Key` once for each person or account. Strangers have none: what they may do is
/// harmless to repeat, and nobody could tell one stranger's keys from another's.
pub(super) async fn once(State(console): State<Console>, request: Request, next: Next) -> Response {
    let scope = match request.extensions().get::<Who>() {
        Some(Who::Person(signed_in, _)) => signed_in.person.id.to_string(),
        Some(Who::Key(caller)) => caller.account.to_string(),
        Some(Who::Nobody) | None => return next.run(request).await,
    };
    let key =
        request.headers().get(IDEMPOTENCY_KEY).map(|value| value.to_str().unwrap_or_default().to_owned());
    let Some(key) = key.filter(|_| *request.method() == Method::POST) else { return next.run(request).await };

    match begin(&console, &scope, &key, request).await {
        Ok((Idempotent::First(claim), request)) => run(console, claim, request, next).await,
        Ok((Idempotent::Again(answer), _)) => again(&answer),
        Ok((Idempotent::Another, _)) => refused(Problem::IdempotencyKeyReused),
        Ok((Idempotent::Running, _)) => refused(Problem::IdempotencyRunning),
        Ok((Idempotent::Full, _)) => refused(Problem::IdempotencyFull),
        Err(refusal) => refusal.into_response(),
    }
}

/// Reads the request and asks whether it was made before; gives it back to be run.
async fn begin(
    console: &Console,
    scope: &str,
    key: &str,
    request: Request,
) -> Result<(Idempotent, Request), Refused> {
    let (parts, body) = request.into_parts();
    let whole =
        tokio::time::timeout(console.platform.settings.body_wait_max, to_bytes(body, BODY_BYTES_MAX)).await;
    let whole = whole.map_err(|_| ConsoleError::of(Problem::InvalidBody))?;
    let body = whole.map_err(|_| ConsoleError::of(Problem::BodyTooLarge))?;
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let same = [parts.method.as_str().as_bytes(), path.as_bytes(), &body].join(&b'\n');
    let begun = console.idempotency.begin(scope, key, &same).await?;
    Ok((begun, Request::from_parts(parts, Body::from(body))))
}

/// Runs the request to its end whether or not whoever asked still waits, so that its answer is there for the next time.
async fn run(console: Console, claim: Claim, request: Request, next: Next) -> Response {
    let running = async move {
        let (parts, body) = next.run(request).await.into_parts();
        let is_json = parts
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        // What failed on our side, came too early or without the right to it is to be tried again with the same key.
        let may_change = parts.status.is_server_error() || TRIED_AGAIN.contains(&parts.status);
        if !is_json || may_change {
            give_up(&console, claim).await;
            return Response::from_parts(parts, body);
        }
        let Ok(body) = to_bytes(body, ANSWER_BYTES_MAX).await else {
            give_up(&console, claim).await;
            return refused(Problem::Internal);
        };
        let text = String::from_utf8_lossy(&body).into_owned();
        let answer = KeptAnswer { status: parts.status.as_u16(), body: Secret::new(text) };
        if let Err(error) = console.idempotency.keep(claim, answer).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an answer was not kept for its idempotency key"
            );
        }
        Response::from_parts(parts, Body::from(body))
    };
    let running = tokio::spawn(running.in_current_span());
    running.await.unwrap_or_else(|_| refused(Problem::Internal))
}

async fn give_up(console: &Console, claim: Claim) {
    if let Err(error) = console.idempotency.give_up(claim).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "an idempotency key was not given back");
    }
}

fn again(answer: &KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (REPLAYED, HeaderValue::from_static("true")),
    ];
    (status, headers, answer.body.expose().to_owned()).into_response()
}

fn refused(problem: Problem) -> Response {
    Refused::from(ConsoleError::of(problem)).into_response()
}

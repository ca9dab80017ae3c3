use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::FutureExt;
use gateway::Door;
use tower::Service;
use vocab::Clock;

use crate::{ApiError, Platform, anthropic, console, context, cors, health, monitor, paas, path};

/// The whole server over `platform`, with every route.
pub fn app(platform: Platform) -> App {
    let routes = Router::new()
        .nest("/api/paas/v4", paas::routes(&platform, Door::General))
        .nest("/api/coding/paas/v4", paas::routes(&platform, Door::Coding))
        .nest(anthropic::PREFIX, anthropic::routes(&platform))
        .nest("/api/monitor", monitor::routes(&platform))
        .merge(console::routes(&platform))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/", get(welcome))
        .fallback(paas::not_found_elsewhere)
        .with_state(platform.clone());

    App { routes, clock: platform.clock }
}

/// The whole server. Cheap to clone.
///
/// What every request passes on its way to a route and back is written out, outermost first: as layers of a router it
/// would cost each request a box and a copy for every one of them.
#[derive(Clone)]
pub struct App {
    routes: Router,
    clock: Arc<dyn Clock>,
}

impl App {
    pub(crate) async fn answer(self, request: Request) -> Response {
        // Base URLs come with and without a slash; routing sees one form.
        let request = path::tidy(request);
        let Self { routes, clock } = self;
        // The id, span and id headers of every request, also of those that are refused or panic.
        context::attach(&*clock, request, |request| {
            // Browsers ask first, without a key.
            cors::share(request, |request| {
                // Refusals may have to be said in other words, those of the layers too.
                anthropic::speak(request, |request| route(routes, request))
            })
        })
        .await
    }
}

async fn route(mut routes: Router, request: Request) -> Response {
    // A mistake of ours costs one request, not the process.
    let answering = AssertUnwindSafe(async move { routes.call(request).await }).catch_unwind();
    let mut response = match answering.await {
        Ok(answered) => {
            let Ok(response) = answered;
            response
        }
        Err(_) => ApiError::internal("a handler panicked").into_response(),
    };
    say_utf8(response.headers_mut());
    response
}

/// JSON says its character set, as the platform does (`auth.md` §6).
fn say_utf8(headers: &mut HeaderMap) {
    if let Some(kind) = headers.get_mut(header::CONTENT_TYPE)
        && kind == "application/json"
    {
        *kind = HeaderValue::from_static("application/json; charset=UTF-8");
    }
}

async fn welcome() -> impl IntoResponse {
    const TEXT: &str = "Azimuth is running.\n\n\
        OpenAI-style clients:  base URL …/api/paas/v4\n\
        Coding plans:          base URL …/api/coding/paas/v4\n\
        Claude Code:           base URL …/api/anthropic\n\n\
        A key: azimuth keys create\n";
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=UTF-8")], TEXT)
}

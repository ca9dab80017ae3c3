//! What the operator reads: the audit log, use of all accounts, and whether the ledger holds.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::console::Page;
use wire::console::admin::{CountedRows, LedgerFinding, LedgerReport};
use wire::console::audit::{AuditLine, AuditWish};
use wire::console::usage::{DailySum, DailyWish};

use crate::console::access::OperatorOnly;
use crate::console::body::{Query, parsed_if_any};
use crate::console::usage::{daily_query, daily_sum, every_day};
use crate::console::{Console, Refused, audit, csv};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(audit_log))
        .routes(routes!(usage))
        .routes(routes!(usage_csv))
        .routes(routes!(verify_ledger))
}

/// The audit log of the whole platform, newest first.
#[utoipa::path(get, path = "/admin/audit", tag = "admin_reports", params(AuditWish),
    responses((status = 200, body = Page<AuditLine>)))]
async fn audit_log(
    State(console): State<Console>,
    _operator: OperatorOnly,
    Query(wish): Query<AuditWish>,
) -> Result<Json<Page<AuditLine>>, Refused> {
    Ok(Json(audit::lines(&console, wish.account, &wish).await?))
}

/// What all accounts used, by day, newest first.
#[utoipa::path(get, path = "/admin/usage", tag = "admin_reports", params(DailyWish),
    responses((status = 200, body = Page<DailySum>)))]
async fn usage(
    State(console): State<Console>,
    _operator: OperatorOnly,
    Query(wish): Query<DailyWish>,
) -> Result<Json<Page<DailySum>>, Refused> {
    let query = daily_query(None, &wish)?;
    let (page, cursor) = (wish.page(), parsed_if_any("cursor", wish.cursor.as_deref())?);
    let sums = console.rollup.rollup_list(&query, cursor.as_ref(), page.limit() + 1).await?;
    let sums = Page::of(sums, page.limit(), |sum| sum.place.to_string());
    Ok(Json(sums.map(|sum| daily_sum(&sum))))
}

/// The same as a table for spreadsheets, 100,000 lines at most.
#[utoipa::path(get, path = "/admin/usage.csv", tag = "admin_reports", params(DailyWish),
    responses((status = 200, content_type = "text/csv", body = String)))]
async fn usage_csv(
    State(console): State<Console>,
    _operator: OperatorOnly,
    Query(wish): Query<DailyWish>,
) -> Result<Response, Refused> {
    let query = daily_query(None, &wish)?;
    Ok(csv::daily("usage.csv", &every_day(&console, &query).await?))
}

/// Checks everything that must hold in the ledger. May take minutes.
#[utoipa::path(post, path = "/admin/ledger/verify", tag = "admin_reports",
    responses((status = 200, body = LedgerReport)))]
async fn verify_ledger(
    State(console): State<Console>,
    operator: OperatorOnly,
) -> Result<Json<LedgerReport>, Refused> {
    let verified = console.ledger.verify().await?;
    let details = serde_json::json!({"is_clean": verified.is_clean()});
    console.note(&operator.by, Some(console.operator), "ledger.verify", console.operator, details).await?;
    let counted = verified.counted.iter();
    let findings = verified.findings.iter().map(|finding| LedgerFinding {
        invariant: finding.invariant.to_owned(),
        broken_by: finding.broken_by.clone(),
    });
    Ok(Json(LedgerReport {
        is_clean: verified.is_clean(),
        counted: counted.map(|(of, count)| CountedRows { of: (*of).to_owned(), count: *count }).collect(),
        findings: findings.collect(),
    }))
}

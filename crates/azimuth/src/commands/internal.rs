//! What the server starts for itself.

use std::io::{Read, Write};
use std::process::ExitCode;

use anyhow::Context;
use capabilities::documents::{DocumentError, DocumentKind, DocumentLimits, extract};

use crate::cli::Internal;
use crate::confinement::confine;

pub(super) fn run(command: Internal) -> anyhow::Result<ExitCode> {
    match command {
        Internal::DocumentText { limits, media_type } => {
            confine(limits.memory_bytes_max, limits.cpu_seconds_max)
                .context("this process is not confined")?;
            let answer = document_text(&media_type, &limits)?;
            let mut output = std::io::stdout().lock();
            serde_json::to_writer(&mut output, &answer)?;
            output.flush()?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn document_text(media_type: &str, limits: &DocumentLimits) -> anyhow::Result<Result<String, DocumentError>> {
    let mut bytes = Vec::new();
    // A byte more than there may be, to see that there is.
    std::io::stdin().lock().take(limits.bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    Ok(DocumentKind::of(media_type, &bytes).and_then(|kind| extract(kind, bytes, limits)))
}

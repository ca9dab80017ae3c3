//! Reading documents with this very program, started once more for each.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use capabilities::documents::{DocumentLimits, DocumentReader, Documents};
use outbound::documents::{DocumentProcess, DocumentProcessSettings, DocumentProgram};

use crate::config::Config;

/// The most documents that wait, for each that is read.
const WAITING_PER_PLACE: usize = 16;
const WAIT_MAX: Duration = Duration::from_secs(45);

/// A process may also sleep, or have to share the processor: it is given more time than it may compute for.
const TIME_PER_CPU_TIME: u32 = 2;

/// No character takes more bytes in JSON.
const JSON_BYTES_PER_CHARACTER: usize = 6;

/// What answers documents' text here.
pub(crate) fn reader(config: &Config) -> anyhow::Result<Arc<dyn DocumentReader>> {
    let about = &config.documents;
    let limits = DocumentLimits {
        pages_max: about.pages_max,
        memory_bytes_max: about.memory_mib_max.saturating_mul(1024 * 1024),
        cpu_seconds_max: about.seconds_max,
        ..DocumentLimits::default()
    };
    let settings = DocumentProcessSettings {
        at_once_max: about.at_once_max,
        waiting_max: about.at_once_max.saturating_mul(WAITING_PER_PLACE),
        wait_max: WAIT_MAX,
        duration_max: Duration::from_secs(about.seconds_max).saturating_mul(TIME_PER_CPU_TIME),
        answer_bytes_max: limits.characters_max.saturating_mul(JSON_BYTES_PER_CHARACTER),
    };
    let program = DocumentProgram {
        path: this_program()?,
        arguments: vec![
            "internal".into(),
            "document-text".into(),
            "--limits".into(),
            serde_json::to_string(&limits)?.into(),
        ],
        // The allocator sets a gibibyte aside otherwise, and what is set aside counts against the limit.
        environment: vec![("MIMALLOC_ARENA_RESERVE", "32M".to_owned())],
    };
    Ok(Arc::new(Documents::new(limits, Arc::new(DocumentProcess::new(program, settings)))))
}

/// Linux keeps a name for the program that runs which still leads to it when its file was replaced by a newer version.
fn this_program() -> anyhow::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if running.exists() {
        return Ok(running.to_owned());
    }
    std::env::current_exe().context("this program's own file is not found")
}

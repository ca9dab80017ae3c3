//! What the machine has and what this build can use of it.

use std::collections::HashSet;
use std::ffi::{CStr, c_char, c_void};
use std::fs;
use std::ptr;
use std::sync::OnceLock;
use std::thread;

use llama_cpp_2::llama_backend::LlamaBackend;
use tracing::{Level, debug};

/// The pinned libraries. State files of another version are not read.
pub(crate) const ENGINE_BUILD: &str = "llama-cpp-2 0.1.160 with llama-cpp-sys-2 0.1.161";

/// What `doctor` and the start-up log say about the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// The library and its version.
    pub engine: &'static str,
    /// llama.cpp's own line about instruction sets and backends.
    pub features: String,
    /// Whether the fast CPU kernels were compiled in; always true away from x86-64.
    pub has_avx2: bool,
    /// Physical cores, as far as can be told.
    pub cores: u32,
    /// Memory that models may use together by default, if known.
    pub memory_bytes: Option<u64>,
}

impl BuildInfo {
    /// Asks llama.cpp and the operating system.
    pub fn read() -> Self {
        Self {
            engine: ENGINE_BUILD,
            features: cpu_features(),
            has_avx2: has_avx2(),
            cores: physical_cores(),
            memory_bytes: memory_bytes(),
        }
    }
}

impl std::fmt::Display for BuildInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {} cores, {}", self.engine, self.cores, self.features)
    }
}

/// llama.cpp's own line about the instruction sets and backends that were compiled in.
pub fn cpu_features() -> String {
    backend();
    static CALLS: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _only_caller = CALLS.lock();
    // SAFETY: the function takes nothing and returns a NUL-terminated string that lives until it is called
    // again; calls are serialised by the lock, and the text is copied before it is released.
    #[expect(unsafe_code, reason = "the wrapper does not offer this call")]
    let line = unsafe { CStr::from_ptr(llama_cpp_sys_2::llama_print_system_info()) };
    let text = line.to_string_lossy().into_owned();
    text.trim().trim_end_matches('|').trim().to_owned()
}

/// Whether the fast x86-64 kernels were compiled in. Without them a prompt is read seven times slower.
pub fn has_avx2() -> bool {
    !cfg!(target_arch = "x86_64") || cpu_features().contains("AVX2 = 1")
}

/// Physical cores, so that two hardware threads do not wait for the same arithmetic unit.
pub fn physical_cores() -> u32 {
    let logical = thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
    let Ok(cpuinfo) = fs::read_to_string("/proc/cpuinfo") else { return logical };
    let field = |line: &str, name: &str| {
        line.strip_prefix(name).map(|rest| rest.trim_start_matches(['\t', ' ', ':']).to_owned())
    };
    let mut cores = HashSet::new();
    let mut package = String::new();
    for line in cpuinfo.lines() {
        if let Some(id) = field(line, "physical id") {
            package = id;
        } else if let Some(id) = field(line, "core id") {
            cores.insert((package.clone(), id));
        }
    }
    match u32::try_from(cores.len()) {
        Ok(found) if found > 0 => found.min(logical),
        _ => logical,
    }
}

/// Four fifths of the machine's memory, or of the container's if that is less.
pub(crate) fn memory_bytes() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let total_line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let total = total_line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()?.saturating_mul(1024);
    let container =
        fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    Some(container.map_or(total, |limit: u64| limit.min(total)) / 5 * 4)
}

/// llama.cpp, started once for the life of the process.
pub(crate) fn backend() -> Option<&'static LlamaBackend> {
    static BACKEND: OnceLock<Option<LlamaBackend>> = OnceLock::new();
    BACKEND
        .get_or_init(|| {
            send_logs_to_tracing();
            LlamaBackend::init().ok()
        })
        .as_ref()
}

/// llama.cpp tells much that only someone looking for a fault wants to know: all of it goes to level debug.
fn send_logs_to_tracing() {
    #[expect(unsafe_code, reason = "the wrapper's own bridge cannot change levels")]
    // SAFETY: the callback lives for ever and needs no data.
    unsafe {
        llama_cpp_sys_2::llama_log_set(Some(log_line), ptr::null_mut());
    }
}

extern "C" fn log_line(_level: llama_cpp_sys_2::ggml_log_level, text: *const c_char, _data: *mut c_void) {
    if text.is_null() || !tracing::enabled!(target: "llama.cpp", Level::DEBUG) {
        return;
    }
    #[expect(unsafe_code, reason = "it is a C string")]
    // SAFETY: llama.cpp passes a NUL-terminated string that lives until this function returns.
    let line = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let line = line.trim();
    if !line.is_empty() && line != "." {
        debug!(target: "llama.cpp", "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// State files are only good for the version that wrote them; this is the name it writes on them.
    #[test]
    fn the_build_is_named_after_the_pinned_libraries() {
        let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml")).unwrap();
        for named in ENGINE_BUILD.split(" with ") {
            let (library, version) = named.split_once(' ').unwrap();
            let pins = |line: &str| {
                line.split_once('=').is_some_and(|(name, rest)| {
                    name.trim() == library && rest.contains(&format!("={version}\""))
                })
            };
            assert!(manifest.lines().any(pins), "{named} is not what is pinned");
        }
    }

    /// A build for x86-64-v3 has the fast kernels: losing them unnoticed costs a factor of seven.
    #[test]
    fn this_build_has_the_kernels_its_target_promises() {
        assert_eq!(has_avx2(), !cfg!(target_arch = "x86_64") || cfg!(target_feature = "avx2"));
        let info = BuildInfo::read();
        assert!(info.cores >= 1);
        assert!(info.to_string().contains("llama-cpp-2"));
    }
}

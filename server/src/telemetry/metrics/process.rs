//! What Prometheus clients tell of a process, and which build it is.
//!
//! Names: <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>. Read from `/proc`; what cannot be
//! read is left out.

use std::fs;

use super::instruments::Page;

/// Ticks of a second in `/proc/<pid>/stat`: `USER_HZ`, which is 100 on every architecture that this server is built for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Place of fields in `/proc/self/stat` after the process's name in parentheses (proc(5) counts from 1, the name is 2).
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;
const THREADS: usize = 17;
const START_TIME: usize = 19;

pub(super) fn render(page: &mut Page) {
    page.head("lakegate_build_info", "gauge", "The build that runs.");
    page.sample("lakegate_build_info", &format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1);
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may hold anything, a parenthesis too.
    let fields: Vec<&str> =
        stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect()).unwrap_or_default();
    let field = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok());
    if let (Some(user), Some(system)) = (field(USER_TIME), field(SYSTEM_TIME)) {
        let seconds = (user + system) / TICKS_PER_SECOND;
        page.real("process_cpu_seconds_total", "counter", "Processor time in seconds.", seconds);
    }
    if let (Some(ticks), Some(boot)) = (field(START_TIME), boot_time()) {
        let seconds = boot + ticks / TICKS_PER_SECOND;
        page.real("process_start_time_seconds", "gauge", "Start in seconds since the epoch.", seconds);
    }
    if let Some(threads) = field(THREADS) {
        page.real("process_threads", "gauge", "Threads.", threads);
    }
    render_memory(page);
    render_files(page);
}

fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn render_memory(page: &mut Page) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for (name, help, label) in [
        ("process_resident_memory_bytes", "Memory in bytes.", "VmRSS:"),
        ("process_virtual_memory_bytes", "Address space in bytes.", "VmSize:"),
    ] {
        let line = status.lines().find_map(|line| line.strip_prefix(label));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        if let Some(kibibytes) = kibibytes {
            page.single(name, "gauge", help, kibibytes * 1024);
        }
    }
}

fn render_files(page: &mut Page) {
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        page.single("process_open_fds", "gauge", "Open files.", files.count() as u64);
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    if let Some(limit) = line.and_then(|line| line.split_whitespace().next()?.parse().ok()) {
        page.single("process_max_fds", "gauge", "Files that may be open.", limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_tells_of_itself() {
        let mut page = Page::default();
        render(&mut page);
        for name in [
            "lakegate_build_info{",
            "process_cpu_seconds_total ",
            "process_start_time_seconds ",
            "process_threads ",
            "process_resident_memory_bytes ",
            "process_virtual_memory_bytes ",
            "process_open_fds ",
            "process_max_fds ",
        ] {
            assert!(page.0.lines().any(|line| line.starts_with(name)), "{name} not in {}", page.0);
        }
        let start = page.0.lines().find_map(|line| line.strip_prefix("process_start_time_seconds "));
        let year_2020 = 1_577_836_800.0;
        assert!(start.and_then(|text| text.parse::<f64>().ok()).is_some_and(|start| start > year_2020));
    }
}

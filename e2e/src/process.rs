//! Memory and processor time of running processes (proc(5)).

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

/// Returns the current resident memory in MiB.
pub fn resident_mib(pid: u32) -> Result<f64> {
    memory_mib(pid, "VmRSS:")
}

/// Returns the peak resident memory in MiB.
pub fn peak_resident_mib(pid: u32) -> Result<f64> {
    memory_mib(pid, "VmHWM:")
}

fn memory_mib(pid: u32, field: &'static str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .context(field)?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

/// Returns the loopback address of a server that prints its port once it listens.
pub async fn printed_address(process: &mut Child) -> Result<String> {
    let printed = process.stdout.take().context("stdout is not piped")?;
    let port = BufReader::new(printed).lines().next_line().await?;
    Ok(format!(
        "127.0.0.1:{}",
        port.context("the server ended before it listened")?
    ))
}

/// Returns the processes with this name.
pub fn pids_of(name: &str) -> Result<Vec<u32>> {
    let mut pids = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse() else {
            continue;
        };
        // A process that has just ended has no name.
        let called = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        if called.trim_end() == name {
            pids.push(pid);
        }
    }
    Ok(pids)
}

/// Returns user and system time in seconds: fields 14 and 15 of `/proc/<pid>/stat`, in ticks of 10 ms.
pub fn cpu_seconds(pids: &[u32]) -> Result<f64> {
    let mut ticks = 0.0;
    for pid in pids {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
        for field in fields.split_whitespace().skip(11).take(2) {
            ticks += field.parse::<f64>()?;
        }
    }
    Ok(ticks / 100.0)
}

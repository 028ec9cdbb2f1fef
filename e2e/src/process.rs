//! What running processes take (proc(5)).

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

/// Resident memory now, in MiB.
///
/// # Errors
/// There is no such process.
pub fn resident_mib(pid: u32) -> Result<f64> {
    memory_mib(pid, "VmRSS:")
}

/// The most resident memory that a process has had, in MiB.
///
/// # Errors
/// There is no such process.
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

/// The address on the loopback of a server that prints its port when it listens.
///
/// # Errors
/// It ended without one.
pub async fn printed_address(process: &mut Child) -> Result<String> {
    let printed = process.stdout.take().context("its output is not piped")?;
    let port = BufReader::new(printed).lines().next_line().await?;
    Ok(format!("127.0.0.1:{}", port.context("it ended without a port")?))
}

/// The processes of this name.
///
/// # Errors
/// There is no proc(5).
pub fn pids_of(name: &str) -> Result<Vec<u32>> {
    let mut pids = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse() else {
            continue;
        };
        // One that ended meanwhile has no name.
        let called = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        if called.trim_end() == name {
            pids.push(pid);
        }
    }
    Ok(pids)
}

/// User and system time so far: fields 14 and 15 of `/proc/<pid>/stat`, in ticks of 10 ms.
///
/// # Errors
/// There is no such process.
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

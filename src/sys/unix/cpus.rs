//! Whether a peer can run at the same time as we do.

use std::sync::OnceLock;

/// Whether there is a second CPU for a peer to run on: then looking again for a moment can pay. The
/// affinity of this process does not count, since the peer's may be another.
pub(crate) fn runs_beside_its_peers() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| online_cpus() > 1 && cpu_quota().is_none_or(|cpus| cpus > 1.0))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn online_cpus() -> usize {
    match std::fs::read_to_string("/sys/devices/system/cpu/online") {
        Ok(list) => count(list.trim()),
        Err(_) => std::thread::available_parallelism().map_or(1, usize::from),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn online_cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How many CPUs a list such as `0-3,6` names; see cpuset(7), "List format".
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
fn count(list: &str) -> usize {
    let range = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(last.parse::<usize>().ok()?.checked_sub(first.parse().ok()?)? + 1)
    };
    list.split(',').filter_map(range).sum()
}

/// The control group's CPU quota in CPUs, if there is one: `cpu.max` of version 2 at any level
/// above us, `cpu.cfs_quota_us` of version 1.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn cpu_quota() -> Option<f64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mut least: Option<f64> = None;
    let mut group = std::path::Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/'));
    while group.starts_with("/sys/fs/cgroup") {
        if let Ok(max) = std::fs::read_to_string(group.join("cpu.max")) {
            least = [least, quota(&max)].into_iter().flatten().reduce(f64::min);
        }
        group.pop();
    }
    let v1 = |file: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/cpu/cpu.cfs_{file}"));
    if let (Ok(spent), Ok(period)) = (v1("quota_us"), v1("period_us")) {
        least = [least, quota(&format!("{} {}", spent.trim(), period.trim()))]
            .into_iter()
            .flatten()
            .reduce(f64::min);
    }
    least
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn cpu_quota() -> Option<f64> {
    None
}

/// CPUs of a line such as `150000 100000`; `max` and `-1` are no quota.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
fn quota(line: &str) -> Option<f64> {
    let (spent, period) = line.trim().split_once(' ')?;
    let (spent, period) = (spent.parse::<f64>().ok()?, period.parse::<f64>().ok()?);
    (spent > 0.0 && period > 0.0).then(|| spent / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_are_counted() {
        assert_eq!(count("0"), 1);
        assert_eq!(count("0-1"), 2);
        assert_eq!(count("0-3,6,8-9"), 7);
        assert_eq!(count("nonsense"), 0);
    }

    #[test]
    fn quotas_are_read_as_cpus() {
        assert_eq!(quota("max 100000\n"), None);
        assert_eq!(quota("-1 100000"), None);
        assert_eq!(quota("50000 100000\n"), Some(0.5));
        assert_eq!(quota("200000 100000\n"), Some(2.0));
    }
}

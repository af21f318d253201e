//! What benchmarks measure time with.
#![expect(unsafe_code, reason = "asks the system for a processor's time")]

/// Seconds since some moment; with one thread seconds of its processor time, which other programs don't lengthen.
pub fn now() -> f64 {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    if rayon::current_num_threads() == 1 {
        const SYS_CLOCK_GETTIME: i64 = 228;
        const CLOCK_PROCESS_CPUTIME_ID: u64 = 2;
        let mut time = [0i64; 2];
        // SAFETY: clock_gettime writes two words at the address; the syscall clobbers rcx and r11, as declared.
        unsafe {
            std::arch::asm!(
                "syscall",
                inlateout("rax") SYS_CLOCK_GETTIME => _,
                in("rdi") CLOCK_PROCESS_CPUTIME_ID,
                in("rsi") time.as_mut_ptr(),
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack),
            );
        }
        return time[0] as f64 + time[1] as f64 * 1e-9;
    }
    use std::time::{SystemTime, UNIX_EPOCH};
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

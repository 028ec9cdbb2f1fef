use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex. Ignores poison: no lock is held while code that can panic changes state.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Limits concurrent uploads, per user and per process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use primitives::UserId;

/// Keeps one user from occupying all slots of a process.
pub const MAX_UPLOADS_PER_USER: usize = 2;

/// The upload slots of a process.
#[derive(Debug)]
pub struct UploadSlots {
    capacity: usize,
    used: Mutex<HashMap<UserId, usize>>,
}

/// A slot in use. It is released on drop.
#[derive(Debug)]
pub struct UploadSlot {
    slots: Arc<UploadSlots>,
    user: UserId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSlot {
    #[error("the process has no free upload slot")]
    ProcessLimit,
    #[error("the user has too many concurrent uploads")]
    UserLimit,
}

impl UploadSlots {
    #[must_use]
    pub fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            used: Mutex::default(),
        })
    }

    /// Returns the number of slots in use.
    #[must_use]
    pub fn in_use(&self) -> usize {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.values().sum()
    }

    /// Takes a slot for a user.
    ///
    /// # Errors
    /// [`NoSlot`] if the user or the process is at its limit.
    pub fn acquire(self: &Arc<Self>, user: UserId) -> Result<UploadSlot, NoSlot> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.get(&user).is_some_and(|own| *own >= MAX_UPLOADS_PER_USER) {
            return Err(NoSlot::UserLimit);
        }
        if used.values().sum::<usize>() >= self.capacity {
            return Err(NoSlot::ProcessLimit);
        }
        *used.entry(user).or_default() += 1;
        Ok(UploadSlot {
            slots: self.clone(),
            user,
        })
    }
}

impl Drop for UploadSlot {
    fn drop(&mut self) {
        let mut used = self.slots.used.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = used.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                used.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_slots_are_free_again() {
        let slots = UploadSlots::new(3);
        let (one, two) = (
            slots.acquire(UserId(1)).unwrap(),
            slots.acquire(UserId(1)).unwrap(),
        );
        assert_eq!(slots.acquire(UserId(1)).unwrap_err(), NoSlot::UserLimit);
        let other = slots.acquire(UserId(2)).unwrap();
        assert_eq!(slots.acquire(UserId(3)).unwrap_err(), NoSlot::ProcessLimit);
        drop(one);
        let again = slots.acquire(UserId(1)).unwrap();
        drop((two, other, again));
        assert!(slots.used.lock().unwrap().is_empty(), "no user is remembered");
    }
}

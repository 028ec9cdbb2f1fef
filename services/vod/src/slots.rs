//! How many videos are uploaded at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use primitives::UserId;

/// Uploads of one user at once, so that one does not take the places of all.
pub const MOST_OF_USER: usize = 2;

/// The places of a process.
#[derive(Debug)]
pub struct Slots {
    most: usize,
    held: Mutex<HashMap<UserId, usize>>,
}

/// A place, free again when it is dropped.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    user: UserId,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// All are taken.
    All,
    /// The user has as many as one may have.
    User,
}

impl Slots {
    /// So many places.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            held: Mutex::default(),
        })
    }

    /// How many places are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.values().sum()
    }

    /// Takes a place for a user.
    ///
    /// # Errors
    /// There is none.
    pub fn take(self: &Arc<Self>, user: UserId) -> Result<Slot, Full> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get(&user).is_some_and(|own| *own >= MOST_OF_USER) {
            return Err(Full::User);
        }
        if held.values().sum::<usize>() >= self.most {
            return Err(Full::All);
        }
        *held.entry(user).or_default() += 1;
        Ok(Slot {
            slots: self.clone(),
            user,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut held = self.slots.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = held.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                held.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_and_free_again() {
        let slots = Slots::new(3);
        let (one, two) = (slots.take(UserId(1)).unwrap(), slots.take(UserId(1)).unwrap());
        assert_eq!(slots.take(UserId(1)).unwrap_err(), Full::User);
        let other = slots.take(UserId(2)).unwrap();
        assert_eq!(slots.take(UserId(3)).unwrap_err(), Full::All);
        drop(one);
        let again = slots.take(UserId(1)).unwrap();
        drop((two, other, again));
        assert!(slots.held.lock().unwrap().is_empty(), "nobody is remembered");
    }
}

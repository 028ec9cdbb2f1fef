//! One thread that starts every child process.
//!
//! A child asks the kernel for a signal when its parent dies (see [`crate::child`]), and to the kernel the
//! parent is the *thread* that forked it. Threads of an async runtime come and go, so children are started by
//! a thread that lives as long as the process.

use std::io;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use tokio::process::{Child, Command};
use tokio::runtime::Handle;

type Job = Box<dyn FnOnce() + Send>;

static SPAWNER: OnceLock<Sender<Job>> = OnceLock::new();

/// Starts the command on the spawner's thread.
pub(crate) fn spawn(mut command: Command) -> io::Result<Child> {
    let runtime = Handle::current();
    let (answer, answered) = channel();
    let job: Job = Box::new(move || {
        let _inside = runtime.enter();
        // The caller waits below. If it has gone, dropping the child kills it, as it should.
        let _ = answer.send(command.spawn());
    });
    spawner()
        .send(job)
        .map_err(|_| io::Error::other("the spawner's thread has ended"))?;
    answered.recv().map_err(io::Error::other)?
}

fn spawner() -> &'static Sender<Job> {
    SPAWNER.get_or_init(|| {
        let (jobs, queue) = channel::<Job>();
        std::thread::spawn(move || {
            for job in queue {
                job();
            }
        });
        jobs
    })
}

//! A thread of low priority, for what must not slow down those who claim: streams of events.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Runtime};

/// How much lower than the service's own the priority is, as `nice` counts: on a busy machine a tenth of a processor is left.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// The thread, and what runs on it. All of it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Background {
    /// There until this is dropped.
    runtime: Option<Runtime>,
}

impl Background {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If the system gives none.
    pub(super) fn start() -> io::Result<Background> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).thread_name("coord-events").enable_time().on_thread_start(step_back);
        Ok(Background { runtime: Some(builder.build()?) })
    }

    /// Runs something there to its end.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(task);
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // This may happen on a thread that must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lowers this thread's priority. Where that cannot be done it has the others'.
fn step_back() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
}

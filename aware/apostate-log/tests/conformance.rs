//! Every engine of this crate does what a log must do.

mod common;

use apostate_log::conformance::{Bench, Fault, PARTITION, run};
use apostate_log::{Expected, FilesEngine, FilesSettings, Log, MemoryFault, MemoryLog};

use common::{Doorbell, settings};

struct Memory {
    log: MemoryLog,
    unknown: MemoryFault,
}

impl Bench for Memory {
    fn fresh(&mut self) -> Box<dyn Log> {
        self.log = MemoryLog::new(PARTITION);
        self.another()
    }

    fn another(&mut self) -> Box<dyn Log> {
        Box::new(self.log.clone())
    }

    fn crash(&mut self) -> Box<dyn Log> {
        self.another()
    }

    fn wait(&mut self) {
        panic!("a memory log has its results at once");
    }

    fn inject(&mut self, fault: Option<Fault>) -> bool {
        match fault {
            Some(Fault::Full) => self.log.inject([MemoryFault::Full]),
            Some(Fault::Unknown) => self.log.inject([self.unknown]),
            None => {}
        }
        true
    }
}

#[test]
fn the_memory_engine_is_a_log() {
    for unknown in [MemoryFault::UnknownLost, MemoryFault::UnknownWritten] {
        run(&mut Memory { log: MemoryLog::new(PARTITION), unknown });
    }
}

struct Files {
    dir: tempfile::TempDir,
    settings: FilesSettings,
    engine: Option<FilesEngine>,
    bell: Doorbell,
}

impl Files {
    fn open(&mut self) -> Box<dyn Log> {
        self.engine = None;
        let engine = FilesEngine::open(self.dir.path(), self.settings.clone(), &Expected::default());
        self.engine = Some(engine.expect("an engine"));
        self.another()
    }
}

impl Bench for Files {
    fn fresh(&mut self) -> Box<dyn Log> {
        self.engine = None;
        self.dir = tempfile::tempdir().expect("a folder");
        self.open()
    }

    fn another(&mut self) -> Box<dyn Log> {
        Box::new(self.engine.as_ref().expect("an engine").log(PARTITION, self.bell.wake()))
    }

    fn crash(&mut self) -> Box<dyn Log> {
        self.open()
    }

    fn wait(&mut self) {
        self.bell.wait();
    }

    fn inject(&mut self, fault: Option<Fault>) -> bool {
        let full = std::io::ErrorKind::StorageFull;
        self.settings.faults.fail_writes((fault == Some(Fault::Full)).then_some(full));
        fault != Some(Fault::Unknown)
    }
}

#[test]
fn the_files_engine_is_a_log() {
    // Segments so small that hardly a record fits, so large that all do, and in between.
    for segment_bytes in [4096, 40_000, 8 << 20] {
        let dir = tempfile::tempdir().expect("a folder");
        let settings = FilesSettings { segment_bytes, ..settings() };
        run(&mut Files { dir, settings, engine: None, bell: Doorbell::default() });
    }
}

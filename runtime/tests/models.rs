//! Models of the lock-free parts of the scheduler: loom runs them through all interleavings, and all orders that the
//! memory model allows. The files are those of the scheduler, with loom's atomics in place of the real ones.

#![allow(dead_code)]

mod sync {
    pub use loom::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};
    pub use loom::sync::{Condvar, Mutex};
}
#[path = "../src/scheduler/deadline.rs"]
mod deadline;
#[path = "../src/scheduler/exit.rs"]
mod exit;
#[path = "../src/scheduler/gate.rs"]
mod gate;
#[path = "../src/scheduler/idle.rs"]
mod idle;
#[path = "../src/scheduler/mailbox.rs"]
mod mailbox;

use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use loom::sync::{Arc, Notify};
use loom::thread;

/// Runs a model through all interleavings with at most that many preemptions: two or three find what there is to find
/// in practice, in seconds.
fn model(preemptions: usize, body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

/// A process that waits for messages, and the queue it is put into: how often it has been made runnable.
struct Receiver {
    mailbox: mailbox::Mailbox<u32>,
    runnable: AtomicUsize,
    queue: Notify,
}

impl Receiver {
    fn new() -> Arc<Receiver> {
        Arc::new(Receiver { mailbox: mailbox::Mailbox::default(), runnable: AtomicUsize::new(0), queue: Notify::new() })
    }
    fn send(&self, message: u32) {
        match self.mailbox.send(mailbox::Node::new(0, message)) {
            mailbox::Sent::Queued => {}
            mailbox::Sent::Wakes => self.make_runnable(),
            mailbox::Sent::Refused(node) => assert_eq!(node.message, message),
        }
    }
    fn make_runnable(&self) {
        // Doubled wake-ups would put the process into two queues.
        assert_eq!(self.runnable.fetch_add(1, Ordering::AcqRel), 0);
        self.queue.notify();
    }
    /// What the worker does that takes it out of the queue.
    fn wait_until_runnable(&self) {
        // `wait` may return for no reason.
        while self.runnable.swap(0, Ordering::AcqRel) == 0 {
            self.queue.wait();
        }
    }
    fn receive(&self, inbox: &mut mailbox::Inbox<u32>) -> u32 {
        loop {
            if inbox.is_empty() {
                *inbox = self.mailbox.fetch();
            }
            if let Some(node) = inbox.pop() {
                return node.message;
            }
            if self.mailbox.park(true) {
                self.wait_until_runnable();
            }
        }
    }
}

#[test]
fn no_message_is_lost_and_senders_keep_their_order() {
    model(2, || {
        let receiver = Receiver::new();
        let senders = [10, 20].map(|first| {
            let receiver = receiver.clone();
            thread::spawn(move || {
                receiver.send(first);
                if first == 10 {
                    receiver.send(first + 1);
                }
            })
        });
        let mut inbox = mailbox::Inbox::default();
        let received: Vec<u32> = (0..3).map(|_| receiver.receive(&mut inbox)).collect();
        let tens: Vec<u32> = received.iter().copied().filter(|message| *message < 20).collect();
        assert_eq!(tens, [10, 11]);
        assert!(received.contains(&20));
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert_eq!(receiver.runnable.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn a_process_that_waits_for_a_message_and_a_deadline_is_woken_once_by_both() {
    model(3, || {
        let receiver = Receiver::new();
        let timer = {
            let receiver = receiver.clone();
            thread::spawn(move || {
                if receiver.mailbox.wake() {
                    receiver.make_runnable();
                }
            })
        };
        let sender = {
            let receiver = receiver.clone();
            thread::spawn(move || receiver.send(1))
        };
        let mut inbox = mailbox::Inbox::default();
        assert_eq!(receiver.receive(&mut inbox), 1);
        timer.join().unwrap();
        sender.join().unwrap();
    });
}

#[test]
fn an_event_that_comes_before_the_process_parks_keeps_it_from_parking() {
    model(3, || {
        let receiver = Receiver::new();
        let done = Arc::new(AtomicBool::new(false));
        let other = {
            let (receiver, done) = (receiver.clone(), done.clone());
            thread::spawn(move || {
                done.store(true, Ordering::Relaxed);
                if receiver.mailbox.wake() {
                    receiver.make_runnable();
                }
            })
        };
        let sender = {
            let receiver = receiver.clone();
            // A message does not wake a process that waits for something else.
            thread::spawn(move || receiver.send(1))
        };
        while !done.load(Ordering::Relaxed) {
            if receiver.mailbox.park(false) {
                receiver.wait_until_runnable();
            }
        }
        other.join().unwrap();
        sender.join().unwrap();
        let mut inbox = mailbox::Inbox::default();
        assert_eq!(receiver.receive(&mut inbox), 1);
    });
}

#[test]
fn a_message_to_a_process_that_ends_is_destroyed_by_one_of_both() {
    model(3, || {
        let receiver = Receiver::new();
        let destroyed = Arc::new(AtomicUsize::new(0));
        let sender = {
            let (receiver, destroyed) = (receiver.clone(), destroyed.clone());
            thread::spawn(move || match receiver.mailbox.send(mailbox::Node::new(0, 7)) {
                mailbox::Sent::Queued => {}
                mailbox::Sent::Wakes => unreachable!("it never parks"),
                mailbox::Sent::Refused(_) => {
                    destroyed.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let mut left = receiver.mailbox.close();
        while left.pop().is_some() {
            destroyed.fetch_add(1, Ordering::Relaxed);
        }
        sender.join().unwrap();
        assert_eq!(destroyed.load(Ordering::Relaxed), 1);
        assert!(!receiver.mailbox.wake());
    });
}

/// A process that ends while others join it.
fn join_and_death(joiners: usize) {
    model(3, move || {
        const PROCESS: u32 = 7;
        let exit = Arc::new(exit::Exit::default());
        exit.begin(true);
        let crowds: Arc<exit::Crowds> = Arc::new(exit::Crowds::default());
        let outcome = Arc::new(AtomicU64::new(0));
        let woken: Arc<Vec<Notify>> = Arc::new((0..joiners).map(|_| Notify::new()).collect());
        let taken = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..joiners)
            .map(|number| {
                let (exit, crowds, outcome, woken, taken) =
                    (exit.clone(), crowds.clone(), outcome.clone(), woken.clone(), taken.clone());
                thread::spawn(move || {
                    loop {
                        match exit.join(PROCESS, number as u64 + 1, &crowds) {
                            exit::Standing::Running => woken[number].wait(),
                            exit::Standing::Ended => {
                                assert_eq!(outcome.load(Ordering::Relaxed), 42);
                                taken.fetch_add(1, Ordering::Relaxed);
                                return;
                            }
                            exit::Standing::Detached => unreachable!(),
                        }
                    }
                })
            })
            .collect();
        outcome.store(42, Ordering::Relaxed);
        exit.end(PROCESS, &crowds, |joiner| woken[joiner as usize - 1].notify());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(taken.load(Ordering::Relaxed), joiners);
    });
}

/// Two joiners, one of which does not wait for long, and a process that ends meanwhile: the patient one is told, and
/// nothing is left in the list.
#[test]
fn a_joiner_that_loses_patience_leaves_nothing_behind() {
    model(3, || {
        const PROCESS: u32 = 7;
        let exit = Arc::new(exit::Exit::default());
        exit.begin(true);
        let crowds: Arc<exit::Crowds> = Arc::new(exit::Crowds::default());
        let woken: Arc<[Notify; 2]> = Arc::new([Notify::new(), Notify::new()]);
        let patient = {
            let (exit, crowds, woken) = (exit.clone(), crowds.clone(), woken.clone());
            thread::spawn(move || {
                while exit.join(PROCESS, 1, &crowds) == exit::Standing::Running {
                    woken[0].wait();
                }
            })
        };
        let impatient = {
            let (exit, crowds) = (exit.clone(), crowds.clone());
            thread::spawn(move || {
                if exit.join(PROCESS, 2, &crowds) == exit::Standing::Running {
                    exit.leave(PROCESS, 2, &crowds);
                }
            })
        };
        exit.end(PROCESS, &crowds, |joiner| woken[joiner as usize - 1].notify());
        patient.join().unwrap();
        impatient.join().unwrap();
        assert!(exit.has_ended());
        assert!(crowds.lock().unwrap().is_empty());
    });
}

#[test]
fn impatient_joiners_of_a_process_that_goes_on_leave_nothing_behind() {
    model(3, || {
        const PROCESS: u32 = 7;
        let exit = Arc::new(exit::Exit::default());
        exit.begin(true);
        let crowds: Arc<exit::Crowds> = Arc::new(exit::Crowds::default());
        let threads = [1, 2].map(|joiner| {
            let (exit, crowds) = (exit.clone(), crowds.clone());
            thread::spawn(move || {
                assert_eq!(exit.join(PROCESS, joiner, &crowds), exit::Standing::Running);
                exit.leave(PROCESS, joiner, &crowds);
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(crowds.lock().unwrap().is_empty());
        exit.end(PROCESS, &crowds, |_| unreachable!("nobody waits"));
    });
}

#[test]
fn a_joiner_learns_that_the_process_has_ended() {
    join_and_death(1);
}

#[test]
fn several_joiners_learn_that_the_process_has_ended() {
    join_and_death(2);
}

/// Work that is put into a queue while a worker looks for some, finds none and goes to sleep.
#[test]
fn no_worker_sleeps_beside_work() {
    model(3, || {
        let idle = Arc::new(idle::Idle::new(2));
        let queue = Arc::new(AtomicUsize::new(0));
        let unparked = Arc::new(Notify::new());
        // Worker 1 has been woken for something that is gone.
        assert_eq!(idle.worker_for_work(), Some(1));
        let thief = {
            let (idle, queue, unparked) = (idle.clone(), queue.clone(), unparked.clone());
            thread::spawn(move || {
                let take = || {
                    let mut count = queue.load(Ordering::Acquire);
                    while count > 0 {
                        match queue.compare_exchange(count, count - 1, Ordering::AcqRel, Ordering::Acquire) {
                            Ok(_) => return true,
                            Err(now) => count = now,
                        }
                    }
                    false
                };
                let mut is_searcher = true;
                loop {
                    if !std::mem::replace(&mut is_searcher, true) {
                        idle.begin_search();
                    }
                    if take() {
                        idle.end_search();
                        return;
                    }
                    if !idle.sleep(1, || queue.load(Ordering::Relaxed) > 0) {
                        is_searcher = false;
                        continue;
                    }
                    unparked.wait();
                }
            })
        };
        queue.fetch_add(1, Ordering::Release);
        if let Some(worker) = idle.worker_for_work() {
            assert_eq!(worker, 1);
            unparked.notify();
        }
        // The owner does not touch its queue: if the thief sleeps now, the model never ends.
        thief.join().unwrap();
        assert_eq!(queue.load(Ordering::Relaxed), 0);
    });
}

/// Two workers, their queues (numbers of processes), a common queue, and processes that end at once.
struct Workers {
    idle: idle::Idle,
    /// The last one is the common one.
    queues: [AtomicUsize; 3],
    born: usize,
    ended: [AtomicUsize; 2],
    stopped: AtomicBool,
    parkers: [Parker; 2],
}

/// As that of crossbeam.
struct Parker {
    token: AtomicBool,
    notify: Notify,
}

impl Parker {
    fn new() -> Parker {
        Parker { token: AtomicBool::new(false), notify: Notify::new() }
    }
    fn unpark(&self) {
        self.token.swap(true, Ordering::AcqRel);
        self.notify.notify();
    }
    fn park(&self) {
        // `wait` may return for no reason.
        while !self.token.swap(false, Ordering::AcqRel) {
            self.notify.wait();
        }
    }
}

impl Workers {
    fn take(&self, queue: usize) -> bool {
        let mut count = self.queues[queue].load(Ordering::Acquire);
        while count > 0 {
            match self.queues[queue].compare_exchange(count, count - 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => count = now,
            }
        }
        false
    }
    fn call(&self, worker: Option<usize>) {
        if let Some(worker) = worker {
            self.parkers[worker].unpark();
        }
    }
    /// What a worker does. With `is_searcher`, it has been woken.
    fn run(&self, index: usize, is_searcher: bool) {
        let mut searcher = WorkerModel { shared: self, index };
        let mut next = if is_searcher { self.idle.search(index, 2, true, &mut searcher) } else { Some(()) };
        let mut took = is_searcher && next.is_some();
        while next.is_some() {
            if took {
                self.ended[index].fetch_add(1, Ordering::Relaxed);
            }
            // As `Worker::next`: what is left is offered, then the own queue comes first.
            if self.queues[index].load(Ordering::Relaxed) > 1 {
                self.call(self.idle.worker_for_surplus());
            }
            took = true;
            if !self.take(index) {
                next = self.idle.search(index, 2, false, &mut searcher);
            }
        }
    }
}

struct WorkerModel<'a> {
    shared: &'a Workers,
    index: usize,
}

impl idle::Searcher for WorkerModel<'_> {
    type Task = ();
    fn look_around(&mut self) -> Option<()> {
        [2, 1 - self.index].into_iter().any(|queue| self.shared.take(queue)).then_some(())
    }
    fn has_work(&self) -> bool {
        self.shared.queues.iter().any(|count| count.load(Ordering::Relaxed) > 0)
    }
    fn call_another(&self) {
        self.shared.call(self.shared.idle.worker_for_work());
    }
    fn give_up(&mut self) {}
    fn park(&mut self) {
        self.shared.parkers[self.index].park();
    }
    fn step_aside(&self) {}
    fn is_over(&self) -> bool {
        self.shared.ended.iter().map(|count| count.load(Ordering::Relaxed)).sum::<usize>() == self.shared.born
    }
    fn stop(&self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.shared.parkers.iter().for_each(Parker::unpark);
    }
    fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::Acquire)
    }
}

/// One worker has processes, another one steals some, a third thread makes one more runnable: all of them run, then
/// both workers end. (If one slept for ever, the model would tell of a deadlock.)
fn stealing_and_shutdown(processes: usize, woken_outside: bool) {
    model(2, move || {
        let shared = Arc::new(Workers {
            idle: idle::Idle::new(2),
            queues: [AtomicUsize::new(processes), AtomicUsize::new(0), AtomicUsize::new(0)],
            born: processes + usize::from(woken_outside),
            ended: [AtomicUsize::new(0), AtomicUsize::new(0)],
            stopped: AtomicBool::new(false),
            parkers: [Parker::new(), Parker::new()],
        });
        let other = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.parkers[1].park();
                shared.run(1, true);
            })
        };
        let outside = woken_outside.then(|| {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.queues[2].fetch_add(1, Ordering::Release);
                shared.call(shared.idle.worker_for_work());
            })
        });
        shared.run(0, false);
        other.join().unwrap();
        outside.into_iter().for_each(|thread| thread.join().unwrap());
        let ended: usize = shared.ended.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        assert_eq!(ended, shared.born);
    });
}

#[test]
fn stolen_processes_run_and_all_workers_end() {
    stealing_and_shutdown(3, false);
}

#[test]
fn a_process_that_is_woken_while_workers_go_to_sleep_runs_before_they_end() {
    stealing_and_shutdown(1, true);
}

/// Two workers run out of work, one after the other: the last one notices that everything is over.
#[test]
fn the_last_worker_that_goes_to_sleep_sees_the_end() {
    model(3, || {
        let idle = Arc::new(idle::Idle::new(2));
        let ended = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        assert_eq!(idle.worker_for_work(), Some(1));
        let seen = Arc::new(AtomicUsize::new(0));
        let finish = {
            let (idle, ended, seen) = (idle.clone(), ended.clone(), seen.clone());
            move |worker: usize| {
                ended[worker].store(1, Ordering::Relaxed);
                if worker == 0 {
                    idle.begin_search();
                }
                assert!(idle.sleep(worker, || false));
                if idle.all_sleep(2) && ended.iter().all(|count| count.load(Ordering::Relaxed) == 1) {
                    seen.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        let other = {
            let finish = finish.clone();
            thread::spawn(move || finish(1))
        };
        finish(0);
        other.join().unwrap();
        assert!(seen.load(Ordering::Relaxed) >= 1);
    });
}

/// A process sets a deadline while the timer thread has reached its entry for an earlier one.
#[test]
fn a_deadline_is_never_forgotten() {
    model(3, || {
        let deadline = Arc::new(deadline::Deadline::default());
        // What is in the wheel, under its lock.
        let wheel = Arc::new(loom::sync::Mutex::new(None));
        assert!(deadline.set(5));
        assert_eq!(deadline.arm(), Some((5, false)));
        *wheel.lock().unwrap() = Some(5);
        deadline.clear();
        let timer = {
            let (deadline, wheel) = (deadline.clone(), wheel.clone());
            thread::spawn(move || {
                let mut wheel = wheel.lock().unwrap();
                if wheel.take_if(|due| *due <= 6).is_some() {
                    match deadline.reached(6) {
                        deadline::Reached::Later(later) => *wheel = Some(later),
                        deadline::Reached::Idle => {}
                        deadline::Reached::Due => unreachable!("the deadline is later"),
                    }
                }
            })
        };
        if deadline.set(9) {
            let mut wheel = wheel.lock().unwrap();
            if let Some((due, replaces)) = deadline.arm() {
                assert_eq!(replaces, wheel.is_some());
                *wheel = Some(due);
            }
        }
        timer.join().unwrap();
        let armed = wheel.lock().unwrap().expect("there is an entry");
        assert!(armed <= 9);
    });
}

/// Two workers read two names, one after the other, while a third thread changes both behind a closed gate.
#[test]
fn nobody_inside_the_gate_sees_half_of_a_change() {
    model(2, || {
        let gate = Arc::new(gate::Gate::new());
        let names = Arc::new([AtomicUsize::new(1), AtomicUsize::new(1)]);
        let changing = {
            let (gate, names) = (gate.clone(), names.clone());
            thread::spawn(move || {
                gate.while_closed(|| {
                    names[0].store(2, Ordering::Relaxed);
                    names[1].store(2, Ordering::Relaxed);
                });
            })
        };
        let worker = {
            let (gate, names) = (gate.clone(), names.clone());
            thread::spawn(move || read_twice(&gate, &names))
        };
        read_twice(&gate, &names);
        changing.join().unwrap();
        worker.join().unwrap();
        assert_eq!(names[1].load(Ordering::Relaxed), 2);
    });
}

fn read_twice(gate: &gate::Gate, names: &[AtomicUsize; 2]) {
    gate.enter();
    let mut last = 0;
    for _ in 0..2 {
        let seen = [0, 1].map(|name| names[name].load(Ordering::Relaxed));
        assert_eq!(seen[0], seen[1]);
        assert!(seen[0] >= last);
        last = seen[0];
        if gate.is_closed() {
            gate.step_aside();
        }
    }
    gate.leave();
}

/// The timer thread has reached the entry of an earlier wait while the process gets a message, ends its wait and ends
/// itself: the next process in its slot must find neither an entry nor a trace of one.
#[test]
fn a_process_that_ends_leaves_no_entry_in_the_wheel() {
    model(3, || {
        let deadline = Arc::new(deadline::Deadline::default());
        let wheel = Arc::new(loom::sync::Mutex::new(None));
        assert!(deadline.set(5));
        assert_eq!(deadline.arm(), Some((5, false)));
        *wheel.lock().unwrap() = Some(5);
        deadline.clear();
        // It waits again, until 9; the entry at 5 will do.
        assert!(!deadline.set(9));
        let timer = {
            let (deadline, wheel) = (deadline.clone(), wheel.clone());
            thread::spawn(move || timer(&deadline, &mut wheel.lock().unwrap(), 6))
        };
        deadline.clear();
        end(&deadline, &wheel);
        timer.join().unwrap();
        assert_eq!(*wheel.lock().unwrap(), None);
        assert!(deadline.set(20));
        assert_eq!(deadline.arm(), Some((20, false)));
    });
}

/// As the timer thread: true if the process must be woken.
fn timer(deadline: &deadline::Deadline, wheel: &mut Option<u64>, now: u64) -> bool {
    if wheel.take_if(|due| *due <= now).is_none() {
        return false;
    }
    match deadline.reached(now) {
        deadline::Reached::Later(later) => *wheel = Some(later),
        deadline::Reached::Idle => {}
        deadline::Reached::Due => return true,
    }
    false
}

/// As the end of a process.
fn end(deadline: &deadline::Deadline, wheel: &loom::sync::Mutex<Option<u64>>) {
    if deadline.end() {
        let mut wheel = wheel.lock().unwrap();
        if deadline.disarm() {
            assert!(wheel.take().is_some());
        }
    }
}

/// A process waits for a message until a deadline, which passes while the message comes: it goes on, once, and what it
/// leaves when it ends is as if it had never been.
#[test]
fn a_process_that_waits_until_a_deadline_wakes_when_it_passes() {
    for with_message in [false, true] {
        model(if with_message { 2 } else { 3 }, move || {
            let receiver = Receiver::new();
            let deadline = Arc::new(deadline::Deadline::default());
            let wheel = Arc::new(loom::sync::Mutex::new(None));
            // The first wait of the process: the entry is made before it parks.
            assert!(deadline.set(5));
            if let Some((due, _)) = deadline.arm() {
                *wheel.lock().unwrap() = Some(due);
            }
            let time = Arc::new(AtomicBool::new(false));
            let timer = {
                let (receiver, deadline, wheel, time) =
                    (receiver.clone(), deadline.clone(), wheel.clone(), time.clone());
                thread::spawn(move || {
                    time.store(true, Ordering::Relaxed);
                    let is_due = timer(&deadline, &mut wheel.lock().unwrap(), 5);
                    if is_due && receiver.mailbox.wake() {
                        receiver.make_runnable();
                    }
                })
            };
            let sender = with_message.then(|| {
                let receiver = receiver.clone();
                thread::spawn(move || receiver.send(1))
            });
            // As `receive` with a timeout: a message, or the time is up, or it waits.
            loop {
                let mut inbox = receiver.mailbox.fetch();
                if inbox.pop().is_some() || time.load(Ordering::Relaxed) {
                    break;
                }
                if receiver.mailbox.park(true) {
                    receiver.wait_until_runnable();
                }
            }
            deadline.clear();
            end(&deadline, &wheel);
            let mut left = receiver.mailbox.close();
            while left.pop().is_some() {}
            timer.join().unwrap();
            sender.into_iter().for_each(|sender| sender.join().unwrap());
            assert_eq!(*wheel.lock().unwrap(), None);
            assert!(deadline.set(20));
            assert_eq!(deadline.arm(), Some((20, false)));
        });
    }
}

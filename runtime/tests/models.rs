//! Models of the lock-free parts of the scheduler: loom runs them through all interleavings, and all orders that the
//! memory model allows. The files are those of the scheduler, with loom's atomics in place of the real ones.

#![allow(dead_code)]

mod sync {
    pub use loom::sync::Mutex;
    pub use loom::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};
}
#[path = "../src/scheduler/deadline.rs"]
mod deadline;
#[path = "../src/scheduler/exit.rs"]
mod exit;
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

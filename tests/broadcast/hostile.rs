//! Peers that do not keep to it.

// They write to memory that is mapped.
#![allow(unsafe_code)]

use std::{
    fs::File,
    io::IoSlice,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    time::{Duration, Instant},
};

use framewire::{
    ErrorKind,
    shm::broadcast::{self, Options, Sender, Slow},
};
use futures::{SinkExt, StreamExt};
use rustix::{
    event::{EventfdFlags, eventfd},
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create},
    mm::{MapFlags, ProtFlags, mmap},
    net::{
        AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
        SocketFlags, SocketType, bind, connect, listen, sendmsg, socket_with, sockopt,
    },
};

use super::{
    common::{body, id_of, numbered, random, within},
    place,
};

const PAGE: usize = 4096;
const RING: usize = 64 << 10;

/// A hello, as version 1 has it.
fn hello() -> Vec<u8> {
    let mut hello = b"fw-bcast\x01\x01".to_vec();
    hello.resize(40, 0);
    hello
}

/// A welcome to a ring, as version 1 has it: the policy is the second byte behind the version.
fn welcome(capacity: u64, position: u64, number: u64) -> Vec<u8> {
    let mut welcome = hello();
    welcome[16..24].copy_from_slice(&capacity.to_le_bytes());
    welcome[24..32].copy_from_slice(&position.to_le_bytes());
    welcome[32..].copy_from_slice(&number.to_le_bytes());
    welcome
}

/// Memory as it is handed out, with these seals on it, mapped as ours.
fn memory(len: usize, seals: SealFlags) -> (OwnedFd, Mapped) {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = memfd_create("hostile", flags).unwrap();
    ftruncate(&file, len as u64).unwrap();
    let both = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: new memory, at an address that the kernel finds.
    let start = unsafe { mmap(std::ptr::null_mut(), len, both, MapFlags::SHARED, &file, 0) };
    fcntl_add_seals(&file, seals).unwrap();
    (file, Mapped(start.unwrap().cast(), len))
}

/// Kept until the process ends.
struct Mapped(*mut u64, usize);

// SAFETY: it is only written to, by volatile stores.
unsafe impl Send for Mapped {}

impl Mapped {
    fn set(&self, offset: usize, word: u64) {
        assert!(offset % 8 == 0 && offset < self.1);
        let at = self.0.wrapping_add(offset / 8);
        // SAFETY: an aligned word of the mapping.
        unsafe { at.write_volatile(word) };
    }
}

const SEALS: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::FUTURE_WRITE).union(SealFlags::SEAL);

fn bell() -> OwnedFd {
    eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).unwrap()
}

fn send(socket: &OwnedFd, packet: &[u8], descriptors: &[BorrowedFd<'_>]) {
    let mut room = vec![std::mem::MaybeUninit::uninit(); 1024];
    let mut control = SendAncillaryBuffer::new(&mut room);
    if !descriptors.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)));
    }
    sendmsg(socket, &[IoSlice::new(packet)], &mut control, SendFlags::NOSIGNAL).unwrap();
}

fn socket() -> OwnedFd {
    let flags = SocketFlags::CLOEXEC;
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap()
}

fn raw(path: &Path) -> OwnedFd {
    let socket = socket();
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(Duration::from_secs(10)))
        .unwrap();
    connect(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    socket
}

/// What comes, nothing being the end.
fn receive(socket: &OwnedFd) -> Vec<u8> {
    let mut bytes = [0; 64];
    match rustix::io::read(socket, &mut bytes) {
        Ok(len) => bytes[..len].to_vec(),
        Err(rustix::io::Errno::CONNRESET) => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}

/// A sender goes on for the others whatever a receiver does.
async fn goes_on(sender: &mut Sender, path: &Path) {
    let mut receiver = Options::new().start(broadcast::Start::Next).receiver(path).await.unwrap();
    for n in 0..10 {
        within(sender.send(numbered(n, 100))).await.unwrap();
        assert_eq!(id_of(&within(receiver.next()).await.unwrap().unwrap()), n);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_hello_wrongly_is_turned_away() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let mut sender = broadcast::sender(&path).await.unwrap();
    let (page, _) = memory(PAGE, SEALS);
    let (short, _) = memory(PAGE, SEALS);
    let (unsealed, _) = memory(PAGE, SealFlags::empty());
    let (long, _) = memory(2 * PAGE, SEALS);
    let (null, bell) = (File::open("/dev/null").unwrap(), bell());
    let (page, short, bell) = (page.as_fd(), short.as_fd(), bell.as_fd());
    let wrong: [(Vec<u8>, &[BorrowedFd<'_>]); 10] = [
        (hello(), &[]),
        (hello(), &[page]),
        (hello(), &[page, bell, short]),
        (hello(), &[bell, page]),
        (hello(), &[unsealed.as_fd(), bell]),
        (hello(), &[long.as_fd(), bell]),
        (hello(), &[null.as_fd(), bell]),
        (b"fw-bcast".to_vec(), &[page, bell]),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n....".to_vec(), &[page, bell]),
        ([hello(), hello()].concat(), &[page, bell]),
    ];
    for (n, (packet, descriptors)) in wrong.iter().enumerate() {
        let socket = raw(&path);
        send(&socket, packet, descriptors);
        let answer = within(tokio::task::spawn_blocking(move || receive(&socket))).await.unwrap();
        // Told so where there are the words for it; never taken in.
        assert!(answer.is_empty() || answer[10] == 254, "{n}: {answer:?}");
    }
    assert_eq!(sender.receivers(), 0);
    // Those that say nothing do not keep others out.
    let silent: Vec<_> = (0..100).map(|_| raw(&path)).collect();
    goes_on(&mut sender, &path).await;
    drop(silent);
}

/// What a receiver rings, knocks and says of itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_on_its_page_costs_a_receiver_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    for slow in [Slow::Overwrite, Slow::Wait, Slow::Disconnect] {
        let options = Options::new().slow(slow).capacity(RING);
        let mut sender = options.sender(&path).await.unwrap();
        let (page, words) = memory(PAGE, SEALS);
        let (pipe, _other) = rustix::pipe::pipe().unwrap();
        // No eventfd: it is knocked for.
        for bell in [&bell(), &pipe] {
            let socket = raw(&path);
            send(&socket, &hello(), &[page.as_fd(), bell.as_fd()]);
            while sender.receivers() < 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            for (n, nonsense) in random(7, 8 * 40).chunks(8).enumerate() {
                let nonsense = u64::from_ne_bytes(nonsense.try_into().unwrap());
                words.set(128, nonsense >> (n % 64));
                words.set(256, nonsense >> (n % 50));
                for _ in 0..5 {
                    within(sender.send(body(0, 1000))).await.unwrap();
                }
            }
            // One that stands still, by its page, is waited for in vain; this one is not there.
            assert_eq!(sender.receivers(), usize::from(slow == Slow::Overwrite));
            drop(socket);
            while sender.receivers() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        goes_on(&mut sender, &path).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_talks_is_let_go() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let mut sender = broadcast::sender(&path).await.unwrap();
    let (page, _words) = memory(PAGE, SEALS);
    let socket = raw(&path);
    let bell = bell();
    send(&socket, &hello(), &[page.as_fd(), bell.as_fd()]);
    while sender.receivers() < 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    send(&socket, b"knock", &[]);
    while sender.receivers() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    goes_on(&mut sender, &path).await;
}

/// Knocks that nobody waits for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_knocks_again_and_again_is_let_go() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let mut sender = Options::new().slow(Slow::Wait).sender(&path).await.unwrap();
    let (page, _words) = memory(PAGE, SEALS);
    let socket = raw(&path);
    let bell = bell();
    send(&socket, &hello(), &[page.as_fd(), bell.as_fd()]);
    while sender.receivers() < 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let knocking = tokio::task::spawn_blocking(move || {
        while rustix::net::send(&socket, b"!", SendFlags::NOSIGNAL).is_ok() {}
    });
    within(knocking).await.unwrap();
    while sender.receivers() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    goes_on(&mut sender, &path).await;
}

/// Answers one hello with this packet and memory, and keeps the socket.
fn answers(listener: &OwnedFd, packet: &[u8], descriptors: &[BorrowedFd<'_>]) -> OwnedFd {
    let socket = rustix::net::accept(listener).unwrap();
    receive(&socket);
    send(&socket, packet, descriptors);
    socket
}

fn listener(path: &Path) -> OwnedFd {
    let listener = socket();
    bind(&listener, &SocketAddrUnix::new(path).unwrap()).unwrap();
    listen(&listener, 16).unwrap();
    listener
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_welcome_that_is_none_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let listener = listener(&path);
    let ring = RING as u64;
    let good = memory(PAGE + RING, SEALS).0;
    let unsealed = memory(PAGE + RING, SealFlags::SHRINK).0;
    let short = memory(RING, SEALS).0;
    let wrong: Vec<(Vec<u8>, Vec<OwnedFd>)> = vec![
        (welcome(ring, 0, 0), vec![]),
        (welcome(ring, 0, 0), vec![good.try_clone().unwrap(), good.try_clone().unwrap()]),
        (welcome(ring, 0, 0), vec![unsealed]),
        (welcome(ring, 0, 0), vec![short]),
        (welcome(ring * 2, 0, 0), vec![good.try_clone().unwrap()]),
        (welcome(0, 0, 0), vec![good.try_clone().unwrap()]),
        (welcome(ring + 8, 0, 0), vec![good.try_clone().unwrap()]),
        (welcome(u64::MAX, 0, 0), vec![good.try_clone().unwrap()]),
        (welcome(ring, 4, 0), vec![good.try_clone().unwrap()]),
        (vec![0; 40], vec![good.try_clone().unwrap()]),
        (vec![0; 4000], vec![good]),
    ];
    for (packet, descriptors) in wrong {
        let listener = listener.try_clone().unwrap();
        let answering = tokio::task::spawn_blocking(move || {
            let given: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            answers(&listener, &packet, &given)
        });
        let error = within(broadcast::receiver(&path)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        within(answering).await.unwrap();
    }
    // One that never answers.
    let hasty = Options::new().deadline(Duration::from_millis(50));
    let error = within(hasty.receiver(&path)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
}

/// Random words in the control page and in the ring, while they are read and between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_nonsense_is_an_error_and_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let listener = listener(&path);
    let (file, words) = memory(PAGE + RING, SEALS);
    let begun = Instant::now();
    let (mut broken, mut round) = (0, 0);
    while begun.elapsed() < Duration::from_secs(2) {
        round += 1;
        let noise = random(round, 8 * 64);
        let number = |n: usize| u64::from_ne_bytes(noise[8 * n..8 * n + 8].try_into().unwrap());
        let small = |n: usize| number(n) >> (16 + number(n + 1) % 48);
        let position = small(0) & !7;
        let packet = welcome(RING as u64, position, small(1));
        let (theirs, file) = (listener.try_clone().unwrap(), file.try_clone().unwrap());
        let answering =
            tokio::task::spawn_blocking(move || answers(&theirs, &packet, &[file.as_fd()]));
        let mut receiver = within(broadcast::receiver(&path)).await.unwrap();
        let _socket = within(answering).await.unwrap();
        let write = |round: usize| {
            for word in 1..6 {
                words.set(128 * word, (position & !7).wrapping_add(small(word + round) & !7));
            }
            for n in 0..8 {
                words.set(PAGE + ((number(20 + n) as usize % RING) & !7), small(30 + n));
            }
        };
        for n in 0..20 {
            write(n);
            match tokio::time::timeout(Duration::from_millis(1), receiver.next()).await {
                Ok(Some(Ok(message))) => assert!(message.len() <= RING / 4),
                Ok(Some(Err(error))) if error.kind() == ErrorKind::Lagged => {}
                Ok(Some(Err(error))) => {
                    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
                    assert!(within(receiver.next()).await.is_none());
                    broken += 1;
                    break;
                }
                Ok(None) => break,
                Err(_) => {}
            }
        }
    }
    assert!(broken > 10, "{broken} of {round}");
}

/// What was said counts, and not when its sender's task got to hear it.
#[tokio::test]
async fn who_has_said_hello_is_not_crowded_out_by_who_is_silent() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let sender = broadcast::sender(&path).await.unwrap();
    let (page, _words) = memory(PAGE, SEALS);
    let (honest, bell) = (raw(&path), bell());
    send(&honest, &hello(), &[page.as_fd(), bell.as_fd()]);
    // Its task does not run before all are there.
    let silent: Vec<_> = (0..100).map(|_| raw(&path)).collect();
    let told = within(tokio::task::spawn_blocking(move || (receive(&honest), honest)));
    let (told, _honest) = told.await.unwrap();
    assert_eq!(told.len(), 40, "{told:?}");
    assert_eq!(told[10], 0);
    assert_eq!(sender.receivers(), 1);
    drop(silent);
}

/// What is longer than a welcome is none, however well it begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_welcome_with_more_behind_it_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let listener = listener(&path);
    let (ring, _words) = memory(PAGE + RING, SEALS);
    let answering = tokio::task::spawn_blocking(move || {
        let packet = [welcome(RING as u64, 0, 0), vec![1; 8]].concat();
        answers(&listener, &packet, &[ring.as_fd()])
    });
    let error = within(broadcast::receiver(&path)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    within(answering).await.unwrap();
}

//! System calls of the Unix family.

mod ancillary;
mod bytes;
mod cpus;
mod entry;
mod errno;
mod event;
mod fifo;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod futex;
mod inherit;
mod lock;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod memory;
mod packet;
mod peer;
mod pipe;
#[cfg(target_os = "linux")]
mod presence;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod process;
#[cfg(target_os = "linux")]
mod queue;
mod reserve;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod role;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod segment;
#[cfg(target_os = "linux")]
mod semaphore;
mod signal;
#[cfg(target_os = "linux")]
mod signal_catch;
#[cfg(target_os = "linux")]
mod signal_fd;
#[cfg(target_os = "linux")]
mod signal_info;
#[cfg(target_os = "linux")]
mod signal_mask;
#[cfg(target_os = "linux")]
mod signal_send;
mod watch;
mod what;

pub(crate) use ancillary::{
    Arrived, ControlBuffer, Credentials, DESCRIPTORS_COME_FIRST, MAX_DESCRIPTORS,
    is_too_many_in_flight, recv_with, send_with,
};
pub(crate) use bytes::{
    grow_pipe, read, recv, send, send_vectored, set_nonblocking, shutdown_read, shutdown_write,
    write, write_vectored,
};
pub(crate) use cpus::runs_beside_its_peers;
pub(crate) use entry::{
    Entry, Identity, SOCKET_PATH_MAX, make_directory_at, open_directory, open_directory_at,
    our_uid, path_of_directory, pin_at, remove_at, remove_if_at, rename_at, set_mode_at,
};
pub(crate) use errno::{
    is_exhausted, is_passing, is_told_of_a_datagram, is_too_long, is_want_of_room,
};
pub(crate) use event::{Ringer, event};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use event::{eventfd, is_eventfd};
pub(crate) use fifo::{
    PIPE_BUF, has_hung_up, let_waiting_writers_go, make_fifo, open_to_read_at, open_to_write,
};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use futex::{futex_wait, futex_wake};
pub(crate) use inherit::inherit;
pub(crate) use lock::{
    create_lock_at, is_running, open_lock, open_lock_at, overwrite, read_start, try_lock,
    try_lock_shared, write_at,
};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use memory::{
    Access, Mapping, anonymous_memory, file_len, is_ours_to_write, is_sealed_for_good,
    keep_ours_to_write, seal_for_good,
};
pub(crate) use packet::{
    MESSAGES_HAVE_CREDENTIALS, Packet, abstract_address, accept, bind_with_mode, count_dropped,
    fit_send_buffer, listen, packet_socket, recv_packet, send_to, unix_name,
};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use packet::{carry_credentials, packet_pair, recv_packet_with};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use peer::has_ended;
pub(crate) use peer::{HAS_ABSTRACT_NAMES, SOCKETS_HAVE_MODES, is_connected, is_unix, peer};
pub(crate) use pipe::{inherit_pipe, is_pipe, pipe, take_stdio};
#[cfg(target_os = "linux")]
pub(crate) use presence::{hear_of, knock};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use process::{began, watch_process, we_began};
#[cfg(target_os = "linux")]
pub(crate) use queue::{
    QueueAccess, QueueSizes, lacks_descriptors, make_queue, open_queue, queue_bytes_limit,
    queue_limit, queue_receive, queue_receive_within, queue_send, queue_send_within, queue_sizes,
    remove_queue,
};
pub(crate) use reserve::{Reserve, reserve};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use role::{is_byte_locked, try_lock_byte, unlock_byte};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use segment::{
    SEGMENTS, fix_size, has_fixed_size, is_read_write, name_segment, open_segment, remove_segment,
    take_memory, unnamed_segment,
};
#[cfg(target_os = "linux")]
pub(crate) use semaphore::{
    NamedSemaphore, SEM_LEN, SEM_VALUE_MAX, remove_semaphore, semaphore_file,
};
#[cfg(target_os = "linux")]
pub(crate) use signal::signal_name;
pub(crate) use signal::{real_time_signals, signal_number};
#[cfg(target_os = "linux")]
pub(crate) use signal_catch::{
    CAN_BLOCK_IN_OTHERS, ask_to_block, become_taker, call_handler, catch_signal, forget_asking,
    is_forked_off, is_taker, lost_strays, strays, take_stray,
};
#[cfg(target_os = "linux")]
pub(crate) use signal_fd::{SignalBatch, change_signal_fd, signal_fd, take_signal};
#[cfg(target_os = "linux")]
pub(crate) use signal_info::{RawInfo, SignalInfo, SignalSender, SignalValue};
#[cfg(target_os = "linux")]
pub(crate) use signal_mask::{SignalSet, block_signals, thread_masks, thread_name, unblock_in};
#[cfg(target_os = "linux")]
pub(crate) use signal_send::send_signal;
#[cfg(target_os = "linux")]
pub(crate) use watch::{AFTER_A_CLOSE, News, follow, news_of, stir, unfollow};
pub(crate) use watch::{look_at, tells_of, watch};
pub(crate) use what::{Family, What, socket_name};

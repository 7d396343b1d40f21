//! The load: keep-alive connections with one request outstanding on each, driven by one thread.
//!
//! It shares the machine with the service, so it does as little as it can: requests are bytes that were made before, and
//! of a reply it reads the status, the length and what the traffic asks of the body. As each connection waits for its
//! reply, a slow service is asked less often: latencies are those of this many clients, not of a fixed rate.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::support::{REPLY, Result};

/// The largest reply, in bytes.
const REPLY_BYTES: usize = 64 << 10;

/// What is asked on the connections.
pub(crate) trait Traffic {
    /// The next request of a connection.
    fn request(&mut self, connection: usize) -> &[u8];

    /// Takes the reply to it, and says whether it completes a unit of what is counted.
    ///
    /// # Errors
    ///
    /// If it is not what it should be.
    fn reply(&mut self, connection: usize, status: u16, body: &[u8]) -> Result<bool>;
}

/// How long and how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How long requests are sent before any is counted.
    pub(crate) warm_up: Duration,
    /// How long they are counted.
    pub(crate) time: Duration,
    /// How many are counted at most.
    pub(crate) requests: u64,
    /// How long a connection rests between a reply and its next request.
    pub(crate) rest: Duration,
}

/// What came of it.
pub(crate) struct Measured {
    /// The time of each request in nanoseconds.
    pub(crate) latency: Histogram<u64>,
    /// How many units were completed.
    pub(crate) units: u64,
    /// In how long.
    pub(crate) took: Duration,
}

impl Measured {
    /// Units in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.units as f64 / self.took.as_secs_f64()
    }

    /// A quantile of the requests' times.
    pub(crate) fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.latency.value_at_quantile(quantile))
    }
}

struct Connection {
    stream: TcpStream,
    sent: Instant,
    reply: Box<[u8]>,
    filled: usize,
}

/// Keeps `connections` busy with `traffic`; `on_start` is called when the warm-up is over.
pub(crate) fn run(
    address: SocketAddr,
    connections: usize,
    traffic: &mut impl Traffic,
    bounds: Bounds,
    mut on_start: impl FnMut(),
) -> Result<Measured> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(connections);
    let mut open = Vec::with_capacity(connections);
    let mut resting: VecDeque<(Instant, usize)> = VecDeque::new();
    for place in 0..connections {
        let mut connection = Connection::open(address)?;
        poll.registry().register(&mut connection.stream, Token(place), Interest::READABLE)?;
        if bounds.rest.is_zero() {
            connection.send(traffic.request(place), Instant::now())?;
        } else {
            // Not all at once, then or ever.
            resting.push_back((Instant::now() + bounds.rest * place as u32 / connections as u32, place));
        }
        open.push(connection);
    }
    let from = Instant::now() + bounds.warm_up;
    let until = from + bounds.time;
    let mut latency = Histogram::new_with_bounds(1000, 60_000_000_000, 3)?;
    let (mut units, mut started, mut last, mut left) = (0, None, from, connections);
    while left > 0 {
        let rest = resting.front().map(|(due, _)| due.saturating_duration_since(Instant::now()));
        poll.poll(&mut events, rest.or(Some(REPLY))).or_else(|error| match error.kind() {
            ErrorKind::Interrupted => Ok(()),
            _ => Err(error),
        })?;
        if events.is_empty() && rest.is_none() {
            return Err(format!("no reply for {REPLY:?}").into());
        }
        for event in &events {
            let place = event.token().0;
            let connection = &mut open[place];
            let Some((status, body)) = connection.receive()? else { continue };
            let now = Instant::now();
            let unit = traffic.reply(place, status, body)?;
            if now >= from && now <= until && latency.len() < bounds.requests {
                let start = *started.get_or_insert_with(|| {
                    on_start();
                    now
                });
                if connection.sent >= start {
                    latency.saturating_record((now - connection.sent).as_nanos() as u64);
                }
                units += u64::from(unit && now > start);
                last = now;
            }
            if now > until || latency.len() >= bounds.requests {
                left -= 1;
            } else if bounds.rest.is_zero() {
                connection.send(traffic.request(place), now)?;
            } else {
                resting.push_back((now + bounds.rest, place));
            }
        }
        while let Some(&(due, place)) = resting.front()
            && due <= Instant::now()
        {
            resting.pop_front();
            open[place].send(traffic.request(place), Instant::now())?;
        }
    }
    Ok(Measured { latency, units, took: last - started.unwrap_or(from) })
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Connection> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let reply = vec![0; REPLY_BYTES].into();
        Ok(Connection { stream: TcpStream::from_std(stream), sent: Instant::now(), reply, filled: 0 })
    }

    fn send(&mut self, request: &[u8], now: Instant) -> Result<()> {
        self.sent = now;
        self.filled = 0;
        // Nothing else is on its way, and a request is far smaller than a socket's buffer.
        match self.stream.write(request)? {
            written if written == request.len() => Ok(()),
            _ => Err("a request was not taken whole".into()),
        }
    }

    /// Reads what has come; the status and the body once all has.
    fn receive(&mut self) -> Result<Option<(u16, &[u8])>> {
        loop {
            match self.stream.read(&mut self.reply[self.filled..]) {
                Ok(0) => return Err("the service closed a connection".into()),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            if let Some((status, body)) = parts(&self.reply[..self.filled]) {
                return Ok(Some((status, &self.reply[body..self.filled])));
            }
        }
    }
}

/// The status of a complete reply, and where its body begins.
fn parts(reply: &[u8]) -> Option<(u16, usize)> {
    let mut length = None;
    let mut line = 0;
    loop {
        let end = line + reply[line..].iter().position(|&byte| byte == b'\n')?;
        let text = &reply[line..end];
        line = end + 1;
        if text == b"\r" {
            break;
        }
        if text.len() > 15 && text[..15].eq_ignore_ascii_case(b"content-length:") {
            length = std::str::from_utf8(&text[15..]).ok()?.trim().parse::<usize>().ok();
        }
    }
    let status = std::str::from_utf8(reply.get(9..12)?).ok()?.parse().ok()?;
    (reply.len() >= line + length?).then_some((status, line))
}

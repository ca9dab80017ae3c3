//! One HTTP/1.1 connection that does as little as it can: the driver shares the machine with what it measures.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Enough for the head of any answer, and for many events.
const BUFFER_BYTES: usize = 8 * 1024;

pub struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
    /// Read and not yet looked at: `buffer[from..to]`.
    from: usize,
    to: usize,
}

/// An answer that was read to its end.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub status: u16,
    /// Whether the server will close the connection.
    pub closes: bool,
}

impl Connection {
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES].into_boxed_slice(), from: 0, to: 0 })
    }

    /// Sends `request` and hands each piece of the answer's body to `take`.
    pub async fn exchange(&mut self, request: &[u8], mut take: impl FnMut(&[u8])) -> Result<Answer> {
        let head = self.send(request).await?;
        let mut body = head.body;
        while !self.take_piece(&mut body, &mut take).await? {}
        Ok(Answer { status: head.status, closes: head.closes })
    }

    /// Sends `request` and reads until the body has begun; the rest stays unread.
    pub async fn begin(&mut self, request: &[u8]) -> Result<u16> {
        let mut head = self.send(request).await?;
        let mut seen = 0;
        while seen == 0 && !self.take_piece(&mut head.body, &mut |piece| seen += piece.len()).await? {}
        Ok(head.status)
    }

    async fn send(&mut self, request: &[u8]) -> Result<Head> {
        self.stream.write_all(request).await?;
        (self.from, self.to) = (0, 0);
        loop {
            self.fill().await?;
            if let Some(head) = Head::read(&self.buffer[..self.to])? {
                self.from = head.bytes;
                return Ok(head);
            }
        }
    }

    /// Takes what is there of the body, reading if nothing is; `true` at its end.
    async fn take_piece(&mut self, body: &mut Framing, take: &mut impl FnMut(&[u8])) -> Result<bool> {
        if body.is_done() {
            return Ok(true);
        }
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
            if self.fill().await.is_err() && matches!(body, Framing::UntilClose) {
                return Ok(true);
            } else if self.to == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        self.from += body.take(&self.buffer[self.from..self.to], take)?;
        Ok(body.is_done())
    }

    async fn fill(&mut self) -> Result<()> {
        if self.to == self.buffer.len() {
            return Err(Error::new(ErrorKind::InvalidData, "the head of the answer is too long"));
        }
        let count = self.stream.read(&mut self.buffer[self.to..]).await?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.to += count;
        Ok(())
    }
}

struct Head {
    status: u16,
    bytes: usize,
    body: Framing,
    closes: bool,
}

impl Head {
    fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; 48];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(bytes).map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
        let httparse::Status::Complete(length) = parsed else { return Ok(None) };

        let (mut body, mut closes) = (Framing::UntilClose, false);
        for header in response.headers.iter() {
            if header.name.eq_ignore_ascii_case("content-length") {
                let text = str::from_utf8(header.value).unwrap_or_default();
                body = Framing::Counted(text.trim().parse().unwrap_or(0));
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                body = Framing::Chunked(Chunk::Size(0));
            } else if header.name.eq_ignore_ascii_case("connection") {
                closes = header.value.eq_ignore_ascii_case(b"close");
            }
        }
        Ok(Some(Self { status: response.code.unwrap_or(0), bytes: length, body, closes }))
    }
}

enum Framing {
    Counted(usize),
    Chunked(Chunk),
    UntilClose,
}

enum Chunk {
    Size(usize),
    Data(usize),
    /// The line end after the data.
    DataEnd,
    /// After the last chunk; whether the line so far is empty.
    Trailer(bool),
    Done,
}

impl Framing {
    fn is_done(&self) -> bool {
        matches!(self, Self::Counted(0) | Self::Chunked(Chunk::Done))
    }

    /// Takes as much of `bytes` as belongs to the body, and says how much that was.
    fn take(&mut self, bytes: &[u8], take: &mut impl FnMut(&[u8])) -> Result<usize> {
        match self {
            Self::UntilClose => {
                take(bytes);
                Ok(bytes.len())
            }
            Self::Counted(left) => {
                let count = bytes.len().min(*left);
                *left -= count;
                take(&bytes[..count]);
                Ok(count)
            }
            Self::Chunked(chunk) => take_chunks(chunk, bytes, take),
        }
    }
}

fn take_chunks(chunk: &mut Chunk, bytes: &[u8], take: &mut impl FnMut(&[u8])) -> Result<usize> {
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        *chunk = match *chunk {
            Chunk::Done => return Ok(at),
            Chunk::Data(left) => {
                let count = left.min(bytes.len() - at);
                take(&bytes[at..at + count]);
                at += count;
                *chunk = if count == left { Chunk::DataEnd } else { Chunk::Data(left - count) };
                continue;
            }
            Chunk::Size(size) if byte == b'\n' => {
                if size == 0 {
                    Chunk::Trailer(true)
                } else {
                    Chunk::Data(size)
                }
            }
            Chunk::Size(size) if byte == b'\r' => Chunk::Size(size),
            Chunk::Size(size) => {
                let digit = char::from(byte)
                    .to_digit(16)
                    .ok_or_else(|| Error::new(ErrorKind::InvalidData, "a chunk has no size"))?;
                Chunk::Size((size << 4) | digit as usize)
            }
            Chunk::DataEnd if byte == b'\n' => Chunk::Size(0),
            Chunk::DataEnd => Chunk::DataEnd,
            Chunk::Trailer(true) if byte == b'\n' => Chunk::Done,
            Chunk::Trailer(is_empty) => Chunk::Trailer(byte == b'\n' || (is_empty && byte == b'\r')),
        };
        at += 1;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_however_the_network_cuts_them() {
        let bytes = b"4\r\nWiki\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
        for cut in 0..bytes.len() {
            let (mut chunk, mut body) = (Chunk::Size(0), Vec::new());
            let mut take = |piece: &[u8]| body.extend_from_slice(piece);
            take_chunks(&mut chunk, &bytes[..cut], &mut take).unwrap();
            take_chunks(&mut chunk, &bytes[cut..], &mut take).unwrap();
            assert_eq!(body, b"Wiki0123456789abcdef", "cut at {cut}");
            assert!(matches!(chunk, Chunk::Done));
        }
    }

    #[test]
    fn a_head_says_how_the_body_is_framed() {
        let head = Head::read(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap().unwrap();
        assert!(matches!(head.body, Framing::Counted(5)));
        assert_eq!((head.status, head.bytes), (200, 38));
        assert!(Head::read(b"HTTP/1.1 200 OK\r\nContent-").unwrap().is_none());
    }
}

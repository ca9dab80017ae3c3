/// Counts server-sent events in the pieces of a body.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventCount {
    pub events: usize,
    after_line_end: bool,
}

impl EventCount {
    pub fn take(&mut self, piece: &[u8]) {
        let Some(&first) = piece.first() else { return };
        self.events += usize::from(self.after_line_end && first == b'\n');
        self.events += memchr::memmem::find_iter(piece, b"\n\n").count();
        self.after_line_end = piece.last() == Some(&b'\n') && !piece.ends_with(b"\n\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_once_wherever_a_piece_ends() {
        let stream = b"data: 1\n\ndata: 2\n\ndata: [DONE]\n\n";
        for cut in 0..=stream.len() {
            let mut count = EventCount::default();
            count.take(&stream[..cut]);
            count.take(&stream[cut..]);
            assert_eq!(count.events, 3, "cut at {cut}");
        }
    }
}

//! A small mutator of seeds, the same on every machine. It cuts seeds at the borders of words, so that what it makes is
//! often still in the language; libFuzzer has better ones, and does the rest.

/// Bytes that mean something to one of the targets.
const PIECES: [&[u8]; 24] = [
    b"\n",
    b" ",
    b"\0",
    b"\xff",
    b"\x01",
    b"'",
    b"\"",
    b"(",
    b")",
    b".",
    b"..",
    b"/",
    b"%2e",
    b"%2f",
    b"%",
    b"-1",
    b"99999999999999999999999999999999999999",
    b"NOT ",
    b" AND ",
    b" OR ",
    b"select ",
    b"with a as (select 1) ",
    b"\xc3\xbc",
    b"--",
];

/// Longest input that is made, in bytes, but for a seed that is longer.
const LONGEST: usize = 8192;

/// Makes inputs of seeds.
pub(super) struct Mutator<'a> {
    seeds: &'a [Vec<u8>],
    state: u64,
}

impl<'a> Mutator<'a> {
    /// # Arguments
    /// * `seeds` - at least one.
    /// * `number` - the same number, the same inputs.
    pub(super) fn new(seeds: &'a [Vec<u8>], number: u64) -> Self {
        Self { seeds, state: number }
    }

    /// The next input.
    pub(super) fn input(&mut self) -> Vec<u8> {
        let mut input = self.seed().to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut input);
        }
        let longest = self.seeds.iter().map(Vec::len).max().unwrap_or_default().max(LONGEST);
        input.truncate(longest);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.below(8) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = u8::try_from(self.below(256)).unwrap_or_default(),
            2 => drop(input.drain(at..(at + self.below(16)).min(input.len()))),
            3 => {
                let piece = PIECES[self.below(PIECES.len())];
                input.splice(at..at, piece.iter().copied());
            }
            4 => {
                let run = self.run(input).to_vec();
                let times = [1, 2, 40][self.below(3)];
                input.splice(at..at, run.repeat(times));
            }
            5 => {
                let other = self.seed();
                let run = self.run(other).to_vec();
                let end = (at + self.below(16)).min(input.len());
                input.splice(at..end, run);
            }
            6 => {
                let other = self.seed();
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => {
                let run = self.run(input).to_vec();
                let at = self.border(input);
                input.splice(at..at, run);
            }
        }
    }

    fn seed(&mut self) -> &'a [u8] {
        &self.seeds[self.below(self.seeds.len())]
    }

    /// A few neighbouring words.
    fn run<'b>(&mut self, of: &'b [u8]) -> &'b [u8] {
        let (one, other) = (self.border(of), self.border(of));
        &of[one.min(other)..one.max(other)]
    }

    /// A place where a word begins or ends.
    fn border(&mut self, input: &[u8]) -> usize {
        let start = self.below(input.len() + 1);
        let is_border = |at: &usize| {
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            *at == 0 || is_word(input[at - 1]) != is_word(input[*at])
        };
        (start..input.len()).find(is_border).unwrap_or(input.len())
    }

    /// Less than `bound`. SplitMix64, of which nothing is asked but to visit many places.
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap_or_default()
    }
}

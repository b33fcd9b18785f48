//! A campaign: many trials of one decoder, from one seed.

use std::io;

use crate::mutate::{Rng, mutate};
use crate::trial::Finding;
use crate::{Layout, Verdict, corpus};

/// How many inputs a campaign keeps to make others of.
const POOL_MAX: usize = 512;

/// Counts of a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Inputs that were read.
    pub read: u64,
    /// Inputs that were refused.
    pub refused: u64,
}

/// Many trials of one decoder.
pub struct Campaign {
    layout: &'static Layout,
    rng: Rng,
    pool: Vec<Vec<u8>>,
    figures: Figures,
}

impl Campaign {
    /// Starts with the corpus, and with what the encoder makes.
    ///
    /// # Errors
    ///
    /// When the corpus cannot be read.
    pub fn new(layout: &'static Layout, seed: u64) -> io::Result<Self> {
        let mut pool = (layout.made)();
        pool.extend(corpus::specimens(layout)?.into_iter().map(|specimen| specimen.bytes));
        Ok(Self { layout, rng: Rng::new(seed), pool, figures: Figures::default() })
    }

    /// Makes one more trial. An input that is read joins those of which others are made: so damage adds up.
    ///
    /// # Errors
    ///
    /// What the decoder must not do.
    pub fn step(&mut self) -> Result<(), Finding> {
        let Self { layout, rng, pool, figures } = self;
        let mut input = pool[rng.below(pool.len())].clone();
        mutate(&mut input, &pool[rng.below(pool.len())], rng);
        if rng.below(4) != 0 {
            (layout.amend)(&mut input);
        }
        match layout.try_on(&input)? {
            Verdict::Read => {
                figures.read += 1;
                if pool.len() < POOL_MAX {
                    pool.push(input);
                } else if rng.below(16) == 0 {
                    let place = rng.below(POOL_MAX);
                    pool[place] = input;
                }
            }
            Verdict::Refused => figures.refused += 1,
        }
        Ok(())
    }

    /// The counts so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.figures
    }
}

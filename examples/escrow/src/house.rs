//! A house: its owner, its mortgage, and what is promised of it.

use apostate::prelude::*;

/// One house, by its address.
#[entity(name = "house")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct House {
    /// The owner; none before it is built.
    pub owner: Option<EntityKey>,
    /// The mortgage on it.
    pub mortgage: Option<Mortgage>,
    /// The person that becomes its owner if a sale is agreed. Nobody knows yet.
    pub promised_to: Option<EntityKey>,
    /// The mortgage that is put on it if a loan is agreed. Nobody knows yet.
    pub secures: Option<Mortgage>,
}

/// The change of hands that a sale is about.
#[data]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The owner that sells.
    pub from: EntityKey,
    /// The owner to be.
    pub to: EntityKey,
}

/// A loan that the house stands for.
#[data]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mortgage {
    /// The lender.
    pub lender: EntityKey,
    /// The loan, in whole pounds.
    pub amount: u64,
}

#[handlers]
impl House {
    /// Builds the house.
    #[open]
    pub fn build(&mut self, owner: EntityKey) -> Result<(), Refusal> {
        refuse!(self.owner.is_some(), code = "built-before", "this house stands already");
        self.owner = Some(owner);
        Ok(())
    }

    /// Promises the house to one buyer at a time.
    #[tentative(confirm = convey, cancel = keep)]
    pub fn promise(&mut self, deed: Deed) -> Result<(), Refusal> {
        refuse!(self.owner.as_ref() != Some(&deed.from), code = "not-the-owner", "{} does not own it", deed.from);
        refuse!(self.promised_to.is_some(), code = "promised", "it is promised to somebody else");
        refuse!(self.mortgage.is_some(), code = "mortgaged", "there is a mortgage on it");
        self.promised_to = Some(deed.to);
        Ok(())
    }

    fn convey(&mut self, _deed: Deed) {
        self.owner = self.promised_to.take();
    }

    fn keep(&mut self, _deed: Deed) {
        self.promised_to = None;
    }

    /// Stands for a loan.
    #[tentative(confirm = encumber, cancel = release)]
    pub fn secure(&mut self, mortgage: Mortgage) -> Result<(), Refusal> {
        let is_taken = self.mortgage.is_some() || self.secures.is_some();
        refuse!(is_taken, code = "mortgaged", "there is a mortgage on it, or about to be");
        self.secures = Some(mortgage);
        Ok(())
    }

    fn encumber(&mut self, _mortgage: Mortgage) {
        self.mortgage = self.secures.take();
    }

    fn release(&mut self, _mortgage: Mortgage) {
        self.secures = None;
    }
}

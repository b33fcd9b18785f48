//! A shop: what it has of each product, and orders for one unit each. `main.rs` serves it, `tests/seeds.rs` tries to oversell it.

use apostate::prelude::*;

/// One product in the shop.
#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

#[handlers]
impl Stock {
    /// Takes in delivered units and answers with the new level.
    #[open]
    pub fn receive(&mut self, units: u32) -> u32 {
        self.on_hand += units;
        self.on_hand
    }

    /// Takes one unit out for an order, which hears of it.
    pub fn take(&mut self, tx: &mut Tx, order: EntityKey) -> Result<(), Refusal> {
        refuse!(self.on_hand == 0, code = "out-of-stock", "no {} is left", tx.key());
        self.on_hand -= 1;
        tx.send(Order::at(order).taken());
        Ok(())
    }
}

/// A customer's order.
#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
pub struct Order {
    /// Whether the customer gets it.
    pub is_confirmed: bool,
}

#[handlers]
impl Order {
    /// Asks for one unit of a product. If none is left, the order stays as it is.
    #[open]
    pub fn place(&mut self, tx: &mut Tx, product: String) {
        tx.send(Stock::at(product).take(tx.key().clone()).or_ignore());
    }

    /// The stock has it.
    pub fn taken(&mut self) {
        self.is_confirmed = true;
    }
}

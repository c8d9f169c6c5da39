//! Runs scll against the card in a reader: `interop READER CAP 02|03`. Prints each step and what went over the wire; ends with 1 at the
//! first step that is not as the specification says.

mod card;
mod content;
mod keys;
mod wire;

use scll::model::ScpVariant;
use scll::report::{CardLifeCycle, TransportName};

use card::{check, step, Card, Result, Set};

impl Card {
    fn discover(&mut self) -> Result<()> {
        step("what the card tells without keys: SELECT, GET DATA 66, E0, 67, 42, 45, 9F7F");
        self.manager.probe(TransportName::Pcsc)?;
        let info = self.manager.discover(None)?;
        println!("    {:?} {:?} warnings {:?}", info.scp_supported, info.isd_keysets, info.discovery_warnings);
        self.isd = info.isd_aid.as_bytes().to_vec();
        let mine = info.scp_supported.iter().find(|v| matches!(v, ScpVariant::Scp03 { .. }) == self.scp03);
        self.variant = *mine.ok_or("the card does not offer the protocol")?;
        check(info.isd_keysets.iter().any(|s| s.keys.len() == 3), "a set of three keys")?;
        check(info.discovery_warnings.is_empty(), "scll misses nothing")
    }

    fn levels(&mut self, set: Set) -> Result<()> {
        let levels: &[u8] = if self.scp03 { &[0x01, 0x03, 0x11, 0x13, 0x33] } else { &[0x01, 0x03] };
        for &level in levels {
            step(&format!("authenticate with key set {:02X} at level {level:02X}", set.kvn));
            check(self.open(set, level)? == level, "at the level asked for")?;
            let isd = self.isd.clone();
            let state = self.manager.get_card_status(&isd)?.state;
            check(matches!(state, CardLifeCycle::Secured), &format!("GET STATUS: the card is {state:?}"))?;
            // scll takes the Le of a command without data for an Lc and drops it; behind an Lc of 00 it stays.
            let keys = self.send("GET DATA, a command without data", &[0x80, 0xCA, 0x00, 0xE0, 0x00, 0x00], 0x9000)?;
            check(keys.starts_with(&[0xE0]), "the key information")?;
            self.send("GET DATA of what is not there", &[0x80, 0xCA, 0x5F, 0x55, 0x00, 0x00], 0x6A88)?;
            self.send("the session goes on behind the error", &[0x80, 0xF2, 0x80, 0x02, 0x02, 0x4F, 0x00, 0x00], 0x9000)?;
        }
        Ok(())
    }
}

fn run() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, reader, cap, scp] = args.as_slice() else { return Err("usage: interop READER CAP 02|03".into()) };
    let mut card = Card::connect(reader, scp == "03")?;
    let set = Set { kvn: if card.scp03 { 0x30 } else { 0x20 }, value: b"@ABCDEFGHIJKLMNO" };
    card.discover()?;
    card.levels(set)?;
    card.load_and_install(set, &std::fs::read(cap)?)?;
    card.keys(set)?;
    card.delete_all(set)?;
    card.tries(set)
}

fn main() {
    if let Err(e) = run() {
        println!("FAILED: {e}");
        std::process::exit(1);
    }
    println!("all done");
}

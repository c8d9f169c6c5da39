//! A card under scll: key sets, sessions, and commands checked by their status word.

use std::collections::HashMap;
use std::error::Error;

use rand_core::OsRng;
use scll::backend::{KeyBackend, KeyHandle, KeyKind};
use scll::backend_rustcrypto::RustCryptoBackend;
use scll::model::ScpVariant;
use scll::report::ScpTargetKind;
use scll::workflow::{OpenScpArgs, SdKeys};
use scll::CardManager;

use crate::wire::{hex, Wire};

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A key set whose three keys are one value.
#[derive(Clone, Copy)]
pub struct Set {
    pub kvn: u8,
    pub value: &'static [u8],
}

pub struct Card {
    pub manager: CardManager<Wire, RustCryptoBackend<OsRng>>,
    pub isd: Vec<u8>,
    pub variant: ScpVariant,
    pub scp03: bool,
    /// scll's table of keys is small and nothing takes a key out, so that each value goes in once.
    handles: HashMap<&'static [u8], KeyHandle>,
}

pub fn step(text: &str) {
    println!("== {text}");
}

pub fn check(good: bool, what: &str) -> Result<()> {
    if !good {
        return Err(what.into());
    }
    println!("    ok: {what}");
    Ok(())
}

/// refused checks that r is an error which says text.
pub fn refused<T>(r: &Result<T>, text: &str, what: &str) -> Result<()> {
    match r {
        Ok(_) => Err(format!("{what}: it went through").into()),
        Err(e) if e.to_string().to_lowercase().contains(text) => check(true, what),
        Err(e) => Err(format!("{what}: {e}").into()),
    }
}

impl Card {
    pub fn connect(reader: &str, scp03: bool) -> Result<Card> {
        let wire = Wire::connect(reader).map_err(|e| format!("{reader}: {e:?}"))?;
        let manager = CardManager::new(wire, RustCryptoBackend::new(OsRng));
        let variant = if scp03 { ScpVariant::Scp03 { i_param: 0 } } else { ScpVariant::Scp02 { i_param: 0 } };
        Ok(Card { manager, isd: vec![], variant, scp03, handles: HashMap::new() })
    }

    pub fn kind(&self, key: &[u8]) -> KeyKind {
        match (self.scp03, key.len()) {
            (false, _) => KeyKind::TripleDesDouble,
            (true, 24) => KeyKind::Aes192,
            (true, 32) => KeyKind::Aes256,
            (true, _) => KeyKind::Aes128,
        }
    }

    pub fn key(&mut self, value: &'static [u8]) -> Result<KeyHandle> {
        if let Some(h) = self.handles.get(value) {
            return Ok(*h);
        }
        let h = self.manager.backend().import_key(self.kind(value), value)?;
        self.handles.insert(value, h);
        Ok(h)
    }

    /// open authenticates to the issuer security domain; the level is the one the program took.
    pub fn open(&mut self, set: Set, level: u8) -> Result<u8> {
        let k = self.key(set.value)?;
        let isd = self.isd.clone();
        self.manager.close_channel();
        let opened = self.manager.open_scp(&OpenScpArgs {
            target_aid: &isd,
            target_kind: ScpTargetKind::SecurityDomainAid,
            sd_keys: SdKeys { enc: k, mac: k, dek: k },
            advertised: &[self.variant],
            force_scp: None,
            kvn: set.kvn,
            requested_level: level,
        })?;
        Ok(opened.security_level_effective)
    }

    /// high is the highest level of the protocol.
    pub fn high(&self) -> u8 {
        match self.scp03 {
            true => 0x33,
            false => 0x03,
        }
    }

    pub fn send(&mut self, name: &str, plain: &[u8], sw: u16) -> Result<Vec<u8>> {
        println!("    plain {}", hex(plain));
        let answer = self.manager.transmit(plain)?;
        check(answer.sw == sw, &format!("{name}: {:04X} {}", answer.sw, hex(&answer.rapdu)))?;
        Ok(answer.rapdu.to_vec())
    }
}

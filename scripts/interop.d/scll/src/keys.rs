//! Put, use, replace and delete key sets; spend tries.

use scll::backend::{KeyBackend, Scp02Backend, Scp03Backend};
use scll::command::put_key::{put_key, KeyBlock};
use scll::error::ScllError;
use scll::scp::ScpSession;
use scll::workflow::{NewKeyset, PutSdKeysArgs};

use crate::card::{check, refused, step, Card, Result, Set};
use crate::wire::hex;

const ADDED: &[u8] = b"\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xF0\x01";
const REPLACED: &[u8] = b"\x20\x31\x42\x53\x64\x75\x86\x97\xA8\xB9\xCA\xDB\xEC\xFD\x0E\x1F";
const AES192: &[u8] = b"AES of 192 bits, no more";
const AES256: &[u8] = b"AES of 256 bits, and that is all";
const WRONG: &[u8] = b"UUUUUUUUUUUUUUUU";

impl Card {
    pub fn keys(&mut self, first: Set) -> Result<()> {
        let added = Set { kvn: first.kvn + 1, value: ADDED };
        let replaced = Set { value: REPLACED, ..added };
        self.add(first, added)?;
        self.replace(added, replaced)?;
        self.remove(first, added.kvn)?;
        for value in if self.scp03 { &[AES192, AES256][..] } else { &[] } {
            let long = Set { kvn: first.kvn + 2, value };
            self.add(first, long)?;
            step("authenticate with it");
            self.open(long, self.high())?;
            self.inventory(1)?;
            self.remove(first, long.kvn)?;
        }
        Ok(())
    }

    fn add(&mut self, by: Set, new: Set) -> Result<()> {
        step(&format!("PUT KEY: add set {:02X}, keys of {} bytes", new.kvn, new.value.len()));
        self.open(by, self.high())?;
        let (dek, k, isd) = (self.key(by.value)?, self.key(new.value)?, self.isd.clone());
        let new_keys = NewKeyset { enc: k, mac: k, dek: k, kind: self.kind(new.value) };
        let put = self.manager.put_sd_keys(&PutSdKeysArgs { dek, new_keys, new_kvn: new.kvn, target_sd_aid: &isd })?;
        check(true, &format!("check values {}", hex(&put.effective.kcvs)))
    }

    /// replace sends PUT KEY with the old version in P1: scll builds it, but its own workflow only adds.
    fn replace(&mut self, old: Set, new: Set) -> Result<()> {
        step("authenticate with the new set, PUT KEY: replace it by other keys");
        self.open(old, self.high())?;
        let (dek, key) = (self.key(old.value)?, self.key(new.value)?);
        let b = self.manager.backend();
        let encrypted = match self.manager.session().ok_or("no session")? {
            ScpSession::Scp02(s) => b.scp02_encrypt_put_key_payload_for_session(&s.session(), &key)?,
            ScpSession::Scp03(_) => b.scp03_encrypt_put_key_payload(&dek, &key)?,
        };
        let kcv = b.compute_kcv(&key)?;
        let key_type = if self.scp03 { 0x88 } else { 0x80 };
        let block = || KeyBlock { key_type, encrypted_key: &encrypted, kcv, clear_key_len: 16 };
        let command = put_key(old.kvn, new.kvn, &[block(), block(), block()])?;
        let answer = self.send("PUT KEY", &command, 0x9000)?;
        check(answer == [&[new.kvn], &kcv[..], &kcv[..], &kcv[..]].concat(), "version and three check values")?;

        step("the old keys are wrong now, the new ones authenticate");
        let stale = self.open(old, 0x01);
        refused(&stale, "card cryptogram", "the card cryptogram is not of the old keys")?;
        self.open(new, self.high())?;
        Ok(())
    }

    fn remove(&mut self, by: Set, kvn: u8) -> Result<()> {
        step(&format!("DELETE key set {kvn:02X}"));
        self.open(by, self.high())?;
        let isd = self.isd.clone();
        self.manager.delete_sd_keyset(kvn, &isd)?;
        let again = self.manager.delete_sd_keyset(kvn, &isd);
        check(matches!(again, Err(ScllError::KeyNotFound)), "once more: 6A88")?;
        let gone = self.open(Set { kvn, ..by }, 0x01);
        refused(&gone, "0x6a88", "INITIALIZE UPDATE with it: 6A88")
    }

    pub fn tries(&mut self, set: Set) -> Result<()> {
        step("wrong keys: the answer of INITIALIZE UPDATE shows it, and scll goes no further");
        let wrong = self.open(Set { value: WRONG, ..set }, 0x01);
        refused(&wrong, "card cryptogram", "the card cryptogram does not verify")?;
        step("a wrong host cryptogram twice, then the right one, which gives the tries back");
        self.spoilt(set, 2)?;
        self.open(set, 0x01)?;
        step("each failure is one: ten block the set");
        self.spoilt(set, 10)?;
        let blocked = self.open(set, 0x01);
        refused(&blocked, "0x6983", "6983 to the right keys")
    }

    fn spoilt(&mut self, set: Set, times: usize) -> Result<()> {
        for n in 1..=times {
            self.manager.transport_mut().spoil = true;
            let r = self.open(set, 0x01);
            refused(&r, "sw=0x6300", &format!("6300, failure {n}"))?;
        }
        Ok(())
    }
}

//! The way to the card: scll's own PC/SC transport, with every exchange printed.
//!
//! scll takes it that the reader's driver fetches the answer of a T=0 card. pcscd leaves 61XX and 6CXX to the program, so they are answered here.

use heapless::Vec;
use scll::limits::RAPDU_MAX;
use scll::transport::{AtrAts, Transport, TransportCaps, TransportError, TransportProtocol};
use scll::transport_pcsc::PcscTransport;

type Answer = Result<Vec<u8, RAPDU_MAX>, TransportError>;

pub struct Wire {
    pcsc: PcscTransport,
    /// Changes one bit of the host cryptogram in the next EXTERNAL AUTHENTICATE.
    pub spoil: bool,
}

impl Wire {
    pub fn connect(reader: &str) -> Result<Self, TransportError> {
        Ok(Wire { pcsc: PcscTransport::connect(reader)?, spoil: false })
    }

    fn exchange(&mut self, command: &[u8]) -> Answer {
        println!("    > {}", short(command));
        let answer = self.pcsc.transmit(command)?;
        println!("    < {}", short(&answer));
        Ok(answer)
    }

    /// fetch asks a T=0 card for the rest of its answer: GET RESPONSE after 61XX, the command with another Le after 6CXX.
    fn fetch(&mut self, command: &[u8], first: Vec<u8, RAPDU_MAX>) -> Answer {
        let (mut answer, mut whole) = (first, Vec::new());
        while let [data @ .., sw1, sw2] = answer.as_slice() {
            add(&mut whole, data)?;
            let next = match sw1 {
                0x61 => vec![command[0] & 0x03, 0xC0, 0x00, 0x00, *sw2],
                0x6C => [&command[..4], &[*sw2]].concat(),
                _ => {
                    add(&mut whole, &[*sw1, *sw2])?;
                    break;
                }
            };
            answer = self.exchange(&next)?;
        }
        Ok(whole)
    }
}

fn add(whole: &mut Vec<u8, RAPDU_MAX>, part: &[u8]) -> Result<(), TransportError> {
    whole.extend_from_slice(part).map_err(|()| TransportError::ProtocolError)
}

impl Transport for Wire {
    fn transmit(&mut self, capdu: &[u8]) -> Answer {
        let mut command = capdu.to_vec();
        if self.spoil && command[1] == 0x82 {
            self.spoil = false;
            command[5] ^= 1;
        }
        let behind_data = command.len() > 5 && command.len() == usize::from(command[4]) + 6;
        if behind_data && self.protocol() == TransportProtocol::T0 {
            command.pop(); // T=0 has no Le behind data
        }
        let answer = self.exchange(&command)?;
        self.fetch(&command, answer)
    }

    fn capabilities(&self) -> TransportCaps {
        self.pcsc.capabilities()
    }

    fn reset(&mut self) -> Result<AtrAts, TransportError> {
        let atr = self.pcsc.reset()?;
        println!("    reset: ATR {}", hex(&atr.bytes));
        Ok(atr)
    }

    fn protocol(&self) -> TransportProtocol {
        self.pcsc.protocol()
    }

    fn is_connected(&self) -> bool {
        self.pcsc.is_connected()
    }
}

pub fn hex(b: &[u8]) -> String {
    b.iter().map(|v| format!("{v:02X}")).collect()
}

/// short is up to 48 bytes whole, of more both ends and the length.
fn short(b: &[u8]) -> String {
    if b.len() <= 48 {
        return hex(b);
    }
    format!("{}…{} ({} bytes)", hex(&b[..24]), hex(&b[b.len() - 8..]), b.len())
}

//! Load, install, list and delete.

use scll::aid::Aid;
use scll::cap::InflateCtx;
use scll::command::install::{install_for_install_make_selectable, PrivLen};
use scll::report::DeleteCascade;
use scll::transport::Transport;
use scll::workflow::{DeleteAppletArgs, LoadPackageArgs};

use crate::card::{check, step, Card, Result, Set};
use crate::wire::hex;

const LOAD_FILE: &[u8] = b"\xF0SIMBIND";
const APPLET: &[u8] = b"\xF0SIMBIND\x01";
/// C9: for the applet, the full AID of ADF.USIM. EA: a toolkit applet of priority 1 with one timer, and full access to the files of MF
/// (TS 102 226 clause 8.2.1.3.2.2).
const PARAMETERS: &[u8] = b"\xC9\x12\x81\x10\xA0\x00\x00\x00\x87\x10\x02\xFF\xFF\xFF\xFF\x89\x07\x09\x00\x00\
    \xEA\x0E\x80\x07\x01\x01\x00\x00\x00\x00\x00\x81\x03\x00\x01\x00";

impl Card {
    pub fn load_and_install(&mut self, set: Set, cap: &[u8]) -> Result<()> {
        step("INSTALL [for load], LOAD of the CAP file");
        self.open(set, self.high())?;
        let isd = self.isd.clone();
        let mut window = Box::new(InflateCtx::new());
        let loaded = self.manager.load_package(&LoadPackageArgs { target_sd_aid: &isd, cap_zip: cap, lfdb_hash: &[] }, &mut window)?;
        check(true, &format!("{} bytes in {} blocks", loaded.effective.load_file_size, loaded.effective.block_count))?;

        step("INSTALL [for install and make selectable] with C9 and the parameters of a UICC");
        let install = install_for_install_make_selectable(LOAD_FILE, APPLET, APPLET, [0; 3], PrivLen::Canonical, PARAMETERS)?;
        let confirmation = self.send("INSTALL", &install, 0x9000)?;
        check(confirmation == [0], "no confirmation: the length 00")?;
        self.send("the same once more", &install, 0x6985)?;
        self.inventory(1)?;

        step("SELECT the applet");
        let select = [&[0x00, 0xA4, 0x04, 0x00, APPLET.len() as u8], APPLET, &[0x00]].concat();
        let answer = self.manager.transport_mut().transmit(&select).map_err(|e| format!("{e:?}"))?;
        check(answer.ends_with(&[0x90, 0x00]) && answer.windows(APPLET.len()).any(|w| w == APPLET), "it answers with its AID")
    }

    /// inventory lists the registry; the applet and its load file have to stand in it so many times.
    pub fn inventory(&mut self, times: usize) -> Result<()> {
        step("GET STATUS of security domains, applications, load files and modules");
        let isd = self.isd.clone();
        let i = self.manager.get_card_inventory(&isd)?.inventory;
        for d in &i.security_domains {
            println!("    security domain {} state {:02X} privileges {}", hex(d.aid.as_bytes()), d.life_cycle_state, hex(&d.privileges));
        }
        for a in &i.applets {
            println!("    application {} state {:02X}", hex(a.aid.as_bytes()), a.life_cycle_state);
        }
        for e in &i.elfs {
            println!("    load file {} state {:02X}, {} modules", hex(e.aid.as_bytes()), e.life_cycle_state, e.modules.len());
        }
        let applet = |a: &Aid| a.as_bytes() == APPLET;
        let instances = i.applets.iter().filter(|a| applet(&a.aid)).count();
        let files = i.elfs.iter().filter(|e| e.aid.as_bytes() == LOAD_FILE && e.modules.iter().any(applet)).count();
        check(instances == times && files == times, &format!("applet and load file with its module: {times}"))?;
        let sw = if times == 0 { 0x6A88 } else { 0x9000 };
        self.send("GET STATUS of load files alone", &[0x80, 0xF2, 0x20, 0x02, 0x02, 0x4F, 0x00, 0x00], sw)?;
        Ok(())
    }

    pub fn delete_all(&mut self, set: Set) -> Result<()> {
        step("DELETE applet and load file");
        self.open(set, self.high())?;
        let file = [&[0x80, 0xE4, 0x00, 0x00, 0x0A, 0x4F, 0x08], LOAD_FILE, &[0x00]].concat();
        self.send("the load file while the applet is there", &file, 0x6985)?;
        let args = DeleteAppletArgs { instance_aid: APPLET, elf_aid: Some(LOAD_FILE), cascade_elf: DeleteCascade::IfLastInstance };
        check(self.manager.delete_applet(&args)?.effective.cascade_used, "applet, then load file")?;
        self.send("the load file once more", &file, 0x6A88)?;
        self.inventory(0)
    }
}

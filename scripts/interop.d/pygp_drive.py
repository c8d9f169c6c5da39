"""Drives the card in a reader with Py-GP, somebody else's GlobalPlatform library, through PC/SC.

    pygp_drive.py READER SCP KVN CAP LEVEL

Every command and answer is printed by the library. What it does otherwise than the specification is worked around here,
never in the card; docs/interop.md tells what and why.
"""
import sys

import smartcard.scard as scard

# The library brings a PC/SC binding for Windows; pyscard has the same calls.
sys.modules['pygp.connection.pcsc'] = scard

import pygp.pygp as gp  # noqa: E402

functions = sys.modules['pygp.gp.gp_functions']

reader, scp, kvn, cap, level = sys.argv[1:6]
level = int(level, 16)
kind = 'AES' if scp == '03' else 'DES'
domain, package, applet = 'A000000151000000', 'F053494D42494E44', 'F053494D42494E4401'
published = '404142434445464748494A4B4C4D4E4F'


verify = functions.unwrap_command


def without_mac(info, answer):
    """The library verifies R-MAC and leaves it behind data in clear, where eight bytes of chance are read as objects."""
    status, out = verify(info, answer)
    if out and info and info['securityLevel'] in (0x11, 0x13) and len(out) > 4:
        out = out[:-20] + out[-4:]
    return status, out


functions.unwrap_command = without_mac


def keys(version, values):
    for number, value in zip('123', values):
        gp.set_key('%s/%s/%s/%s' % (version, number, kind, value))


def step(name, *calls):
    print('\n== ' + name, flush=True)
    for call in calls:
        call()


def listing():
    """The library takes 6A88, the answer for an empty registry, for a failure."""
    gp.stop_on_error(False)
    gp.ls()
    gp.stop_on_error(True)


def refused():
    """An authentication with a wrong key has to fail, in the library's words."""
    keys('%s' % kvn, ['00' * 15 + '01'] * 3)
    try:
        gp.auth(keysetversion=kvn, securitylevel=level)
    except BaseException as e:  # what the library raises
        print('refused:', e)
        keys(kvn, [published] * 3)
        return
    sys.exit('a wrong key was accepted')


def misformed():
    """The library writes DES keys in the form of AES keys, with a length inside (GPCS clause 11.8.2.3 has none): 6A80 is due."""
    try:
        gp.put_scp_key('45')
    except BaseException as e:
        print('refused:', e)
        return
    sys.exit('a DES key in the form of an AES key was accepted')


gp.set_log_mode(gp.CONSOLE_TRACE | gp.INFO_LEVEL | gp.APDU | gp.ERROR_LEVEL)
gp.terminal(reader)
gp.card()
keys(kvn, [published] * 3)
step('a wrong key', refused)
step('authenticate', gp.select_isd, lambda: gp.auth(keysetversion=kvn, securitylevel=level))
step('objects', lambda: gp.get_data('0066'), lambda: gp.get_data('0067'), lambda: gp.get_data('00E0'))
step('list', listing)
step('load', lambda: gp.install_load(cap, domain), lambda: gp.load_file(cap, 200))
step('install', lambda: gp.install(True, package, applet, applet, [], '8110A0000000871002FFFFFFFF8907090000'))
step('list again', listing)
keys('45', ['11' * 16, '22' * 16, '33' * 16])
if scp == '03':
    step('put keys', lambda: gp.put_scp_key('45'))
else:
    step('put keys', misformed)
step('delete the applet', lambda: gp.delete(applet))
step('delete the load file', lambda: gp.delete_package(package))
if scp == '03':
    step('authenticate with the new keys', gp.select_isd, lambda: gp.auth(keysetversion='45', securitylevel=level))
    # The library's own DELETE of keys has its length wrong; what it sends through its channel has not.
    step('delete the old keys', lambda: gp.send('80E4000003D201' + kvn))
    step('authenticate once more', gp.select_isd, lambda: gp.auth(keysetversion='45', securitylevel=level), listing)
print('\nall done')

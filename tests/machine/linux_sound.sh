#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's drivers of Sound Blaster 16 and parallel port: what the guest plays is in
# the WAV file, what it prints in the printer's.
# timeout: 120
. "$(dirname "$0")/linux.sh.inc"
. "$(dirname "$0")/modules.sh.inc"

command -v python3 >/dev/null || exec tests/skip.sh "no python3"
initrd_with sound soundcore snd snd-timer snd-pcm snd-hwdep \
	snd-seq-device snd-rawmidi snd-mpu401-uart snd-opl3-lib snd-sb-common \
	snd-sb16-csp snd-sb16-dsp snd-sb16 snd-mixer-oss snd-pcm-oss \
	parport parport_pc lp
timeout -k 5 90 "$umbra" run --kernel "$cache/vmlinuz-686" \
	--initrd "$tmp/initrd.gz" --mem 128M --no-reboot \
	--engine "${ENGINE:-bt}" --sound "wav:$tmp/out.wav" \
	--parallel "file:$tmp/printer" \
	--append "console=ttyS0 quiet panic=-1 umbra.script=/test" \
	</dev/null >"$tmp/log" 2>&1
verdict "the guest's drivers play, record and print" "$tmp/log" $? || exit 1

if grep -q "^a line for the printer" "$tmp/printer"; then
	echo "ok the printer has the line"
else
	echo "not ok the printer has the line"
	od -c "$tmp/printer" | sed 's/^/# /' | head
fi
# 44100 Hz stereo of a wave that changes sign 1000 times a second.
python3 - "$tmp/out.wav" <<'END'
import struct, sys, wave
w = wave.open(sys.argv[1])
n = w.getnframes()
left = struct.unpack("<%dh" % (2 * n), w.readframes(n))[::2]
signs = [v > 0 for v in left if abs(v) > 8000]
changes = sum(a != b for a, b in zip(signs, signs[1:]))
good = w.getframerate() == 44100 and 0.9 < len(signs) / 44100 < 1.3 and \
    900 < changes * 44100 / len(signs) < 1100
print("ok" if good else "not ok", "the WAV file has the tone")
if not good:
    print("# %d frames, %d loud, %d changes of sign" % (n, len(signs), changes))
END

"""Music made of numbers: pads, bass, drums and melodies, the same on every machine.

Notes are rendered once per pitch and length and then added where they are played, so a minute of
stereo costs about a second of one core. Sample arrays are float32 at 44.1 kHz; stereo is (2, n).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 44_100
Samples = NDArray[np.float32]

_TABLE_SIZE = 4096
_MINOR, _MAJOR = (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 5, 7, 9, 11)
_DORIAN, _MIXOLYDIAN = (0, 2, 3, 5, 7, 9, 10), (0, 2, 4, 5, 7, 9, 10)
SCALES = {"minor": _MINOR, "major": _MAJOR, "dorian": _DORIAN, "mixolydian": _MIXOLYDIAN}


@dataclass(frozen=True, slots=True)
class Style:
    """How a track sounds; levels are linear, 0 leaves an instrument out."""

    tempo_bpm: float
    root: int  # MIDI note of the key
    scale: str
    progression: tuple[int, ...]  # scale degrees, one a bar
    pad: float = 0.5
    pad_brightness: int = 6  # partials
    bass: float = 0.6
    bass_pattern: tuple[float, ...] = (0, 1.5, 2.5)  # beats within a bar
    drums: str = "none"  # none, soft, four, break, swing
    drum_level: float = 0.8
    melody: float = 0.35
    melody_instrument: str = "bell"  # bell, pluck, lead
    melody_density: float = 0.55  # share of eighth notes that sound
    arpeggio: float = 0.0
    echo: float = 0.35
    wash: float = 0.0  # cymbals and fuzz over the whole spectrum
    peak: float = 0.8  # of full scale
    drive: float = 1.2  # into the soft limiter


class Band:
    """Plays one track: `Band(style, seconds, seed).play()`."""

    def __init__(self, style: Style, seconds: float, seed: int) -> None:
        self.style = style
        self.rng = np.random.default_rng(seed)
        beat_s = 60 / style.tempo_bpm
        self.beat = beat_s * RATE_HZ  # samples, not whole
        self.bars = max(4, round(seconds / (beat_s * 4)))
        self.length = int(self.bars * 4 * self.beat + 1.5 * RATE_HZ)
        self.scale = SCALES[style.scale]
        self._notes: dict[tuple[str, int, int], Samples] = {}

    def play(self) -> Samples:
        """The whole track, (2, n), faded at both ends."""
        style = self.style
        duck = self._ducking() if style.drums in ("four", "break") else None
        mix = np.zeros((2, self.length), np.float32)
        if style.pad:
            self._pads(mix)
        if style.arpeggio:
            self._arpeggio(mix)
        if style.melody:
            self._melody(mix)
        if style.echo:
            mix += style.echo * self._space(mix)
        if duck is not None:
            mix *= duck
        if style.bass:
            self._bass(mix)
        if style.drums != "none":
            self._drums(mix)
        if style.wash:
            self._wash(mix)
        mix *= style.drive / max(float(np.abs(mix).max()), 1e-6) * 1.6
        np.tanh(mix, out=mix)
        mix *= style.peak / float(np.abs(mix).max())
        fade_in, fade_out = int(0.02 * RATE_HZ), int(1.4 * RATE_HZ)
        mix[:, :fade_in] *= np.linspace(0, 1, fade_in, dtype=np.float32)
        mix[:, -fade_out:] *= np.linspace(1, 0, fade_out, dtype=np.float32) ** 2
        return mix

    # --- harmony ---

    def _pitch(self, degree: int, octave: int = 0) -> int:
        step, index = divmod(degree, 7)
        return self.style.root + 12 * (octave + step) + self.scale[index]

    def _chord(self, bar: int) -> tuple[int, ...]:
        degree = self.style.progression[bar % len(self.style.progression)]
        return tuple(degree + third for third in (0, 2, 4, 6))

    def _at(self, bar: int, beat: float) -> int:
        return int((bar * 4 + beat) * self.beat)

    def _energy(self, bar: int) -> float:
        """Songs rise: a thin start, a full middle, a breakdown, a full end."""
        place = bar / self.bars
        if place < 0.12:
            return 0.45
        if 0.55 < place < 0.66:
            return 0.6
        return 1.0

    # --- instruments ---

    @cached_property
    def _tables(self) -> dict[int, Samples]:
        phase = np.arange(_TABLE_SIZE) * (2 * math.pi / _TABLE_SIZE)
        return {
            partials: np.sum(
                [np.sin(phase * n) / n**1.25 for n in range(1, partials + 1)], axis=0
            ).astype(np.float32)
            for partials in {1, 3, 12, self.style.pad_brightness}
        }

    def _tone(self, frequency_hz: float, count: int, partials: int, start: float = 0.0) -> Samples:
        """A band-limited tone from a table of one period."""
        step = frequency_hz * _TABLE_SIZE / RATE_HZ
        index = (np.arange(count, dtype=np.float64) * step + start * _TABLE_SIZE).astype(np.int64)
        tone: Samples = self._tables[partials][index & (_TABLE_SIZE - 1)]
        return tone

    def _note(self, instrument: str, pitch: int, count: int) -> Samples:
        key = (instrument, pitch, count)
        if key not in self._notes:
            self._notes[key] = self._render(instrument, 440 * 2 ** ((pitch - 69) / 12), count)
        return self._notes[key]

    def _render(self, instrument: str, frequency_hz: float, count: int) -> Samples:
        t = np.arange(count, dtype=np.float32) / RATE_HZ
        if instrument == "bell":
            ring = np.exp(-t * 3.2)
            wave = np.sin(
                2 * math.pi * frequency_hz * t
                + 1.6 * ring * np.sin(2 * math.pi * frequency_hz * 3.5 * t)
            )
            wave *= ring
        elif instrument == "pluck":
            bright = np.exp(-t * 9)
            wave = self._tone(frequency_hz, count, 12) * bright
            wave += self._tone(frequency_hz, count, 3) * np.exp(-t * 3)
        elif instrument == "lead":
            wave = self._tone(frequency_hz, count, 12) + self._tone(frequency_hz * 1.006, count, 12)
            wave *= 0.5 * (1 - np.exp(-t * 60)) * np.exp(-t * 1.2)
        else:  # bass
            wave = self._tone(frequency_hz, count, 3) + 0.25 * self._tone(
                frequency_hz, count, 12
            ) * np.exp(-t * 14)
            wave *= np.exp(-t * 1.8)
        release = min(count, int(0.015 * RATE_HZ))
        wave[-release:] *= np.linspace(1, 0, release, dtype=np.float32)
        wave[: release // 6] *= np.linspace(0, 1, release // 6, dtype=np.float32)
        return wave.astype(np.float32)

    def _add(self, mix: Samples, note: Samples, start: int, level: float, pan: float) -> None:
        """Adds a note; `pan` is -1 (left) .. 1 (right)."""
        end = min(start + note.size, self.length)
        if end <= start:
            return
        angle = (pan + 1) * math.pi / 4
        mix[0, start:end] += note[: end - start] * np.float32(level * math.cos(angle))
        mix[1, start:end] += note[: end - start] * np.float32(level * math.sin(angle))

    # --- parts ---

    def _pads(self, mix: Samples) -> None:
        style = self.style
        count = int(4 * self.beat + 0.35 * RATE_HZ)
        swell = np.minimum(1, np.arange(count, dtype=np.float32) / (0.3 * RATE_HZ))
        swell *= swell[::-1] ** 0.7
        rendered: dict[tuple[int, ...], Samples] = {}
        for bar in range(self.bars):
            chord = self._chord(bar)
            if chord not in rendered:
                sound = np.zeros((2, count), np.float32)
                for voice, degree in enumerate(chord):
                    hz = 440 * 2 ** ((self._pitch(degree) - 69) / 12)
                    for side, detune in ((0, 0.9975), (1, 1.0025)):
                        phase = voice * 0.21 + side * 0.37
                        sound[side] += self._tone(hz * detune, count, style.pad_brightness, phase)
                rendered[chord] = sound * swell * np.float32(0.11 * style.pad)
            start = self._at(bar, 0)
            end = min(start + count, self.length)
            mix[:, start:end] += rendered[chord][:, : end - start] * np.float32(self._energy(bar))

    def _bass(self, mix: Samples) -> None:
        for bar in range(self.bars):
            if self._energy(bar) < 0.5:
                continue
            root = self._chord(bar)[0]
            for number, beat in enumerate(self.style.bass_pattern):
                degree = root + (4 if number % 3 == 2 else 0)
                note = self._note("bass", self._pitch(degree, -2), int(self.beat * 1.1))
                self._add(mix, note, self._at(bar, beat), 0.34 * self.style.bass, 0)

    def _arpeggio(self, mix: Samples) -> None:
        count = int(self.beat * 0.9)
        for bar in range(self.bars):
            chord = self._chord(bar)
            for step in range(16):
                degree = chord[(step * 3 + bar) % 4] + 7 * (step % 8 >= 4)
                level = 0.12 * self.style.arpeggio * self._energy(bar) * (1.2 - 0.4 * (step % 2))
                pan = math.sin(step * 0.8 + bar) * 0.7
                note = self._note("pluck", self._pitch(degree, 1), count)
                self._add(mix, note, self._at(bar, step / 4), level, pan)

    def _melody(self, mix: Samples) -> None:
        """A theme of two bars that is varied: steps lead, leaps return to the chord."""
        style = self.style
        rhythm = self.rng.random((4, 16)) < style.melody_density
        steps = self.rng.integers(-2, 3, (4, 16))
        degree = 7
        for bar in range(self.bars):
            if self._energy(bar) < 0.5:
                continue
            chord = self._chord(bar)
            for eighth in range(8):
                phrase = bar // 2 % 4 if bar % 8 < 6 else 3
                place = (bar % 2) * 8 + eighth
                degree = min(13, max(4, degree + int(steps[phrase, place])))
                if not rhythm[phrase, place]:
                    continue
                if eighth % 4 == 0:  # strong beats rest on the chord
                    degree = min(chord, key=lambda d: abs(d + 7 - degree)) + 7
                held = int(self.beat * (1.4 if eighth % 4 == 3 else 0.9))
                note = self._note(style.melody_instrument, self._pitch(degree), held)
                swing = 0.08 if style.drums == "swing" and eighth % 2 else 0.0
                level = 0.24 * style.melody * (0.8 + 0.2 * ((eighth + bar) % 3))
                self._add(
                    mix, note, self._at(bar, eighth / 2 + swing), level, 0.25 - eighth % 2 / 2
                )

    def _drums(self, mix: Samples) -> None:
        kick, snare, hat, open_hat = self._kit()
        level = self.style.drum_level
        patterns: dict[str, tuple[Sequence[float], Sequence[float], Sequence[float]]] = {
            "soft": ((0, 2.5), (1, 3), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)),
            "four": ((0, 1, 2, 3), (1, 3), (0.5, 1.5, 2.5, 3.5)),
            "break": ((0, 0.75, 2.5), (1, 1.75, 3), tuple(step / 4 for step in range(16))),
            "swing": ((0, 2.66), (1, 3), (0, 1, 1.66, 2, 3, 3.66)),
        }
        kicks, snares, hats = patterns[self.style.drums]
        for bar in range(self.bars):
            energy = self._energy(bar)
            for number, beat in enumerate(hats):
                sound = open_hat if bar % 4 == 3 and number == len(hats) - 1 else hat
                strength = level * (0.16 if number % 2 else 0.22) * energy
                self._add(mix, sound, self._at(bar, beat), strength, 0.3 if number % 2 else -0.2)
            if energy < 0.5:
                continue
            for beat in kicks:
                self._add(mix, kick, self._at(bar, beat), 0.75 * level, 0)
            for beat in snares:
                self._add(mix, snare, self._at(bar, beat), 0.42 * level * energy, 0.08)

    def _kit(self) -> tuple[Samples, Samples, Samples, Samples]:
        def time(seconds: float) -> Samples:
            return np.arange(int(seconds * RATE_HZ), dtype=np.float32) / np.float32(RATE_HZ)

        t = time(0.32)
        kick = np.sin(2 * math.pi * (46 * t + 9.5 * (1 - np.exp(-t * 32)))) * np.exp(-t * 11)
        t = time(0.22)
        noise = self.rng.standard_normal(t.size)
        snare = 0.5 * np.sin(2 * math.pi * 186 * t) * np.exp(-t * 24) + 0.4 * noise * np.exp(
            -t * 19
        )
        t = time(0.30)
        bright = np.diff(self.rng.standard_normal(t.size + 2), 2) * 0.35
        hat, open_hat = bright * np.exp(-t * 70), bright * np.exp(-t * 14)
        return tuple(sound.astype(np.float32) for sound in (kick, snare, hat, open_hat))  # type: ignore[return-value]

    def _ducking(self) -> Samples:
        """The pads make room for the kick."""
        beat = int(self.beat)
        decay = np.exp(-np.arange(beat) / (0.12 * RATE_HZ))
        dip = (1 - 0.45 * decay).astype(np.float32)
        repeated: Samples = np.tile(dip, self.length // beat + 1)[: self.length]
        return repeated

    def _space(self, dry: Samples) -> Samples:
        """A room of sparse echoes, other ones on each side, and a dotted eighth of delay."""
        wet = np.zeros_like(dry)
        for side in (0, 1):
            for number in range(22):
                seconds = 0.013 + 0.9 * (number / 22) ** 1.4 + float(self.rng.random()) * 0.02
                delay = int(seconds * RATE_HZ)
                gain = 0.42 * math.exp(-seconds * 3.4) * (-1 if self.rng.random() < 0.5 else 1)
                wet[side, delay:] += dry[(side + number) % 2, :-delay] * np.float32(gain)
            delay = int(self.beat * (0.75 if side else 1.5))
            wet[side, delay:] += dry[side, :-delay] * np.float32(0.4)
        return wet

    def _wash(self, mix: Samples) -> None:
        """Cymbals and fuzz without end, different left and right, breathing with the bars."""
        bar = int(4 * self.beat)
        breath = 0.75 + 0.25 * np.cos(np.arange(bar, dtype=np.float32) * (2 * math.pi / bar))
        for side in (0, 1):
            noise = self.rng.standard_normal(self.length, dtype=np.float32)
            noise[1:] -= 0.35 * noise[:-1]  # a little brighter than white
            mix[side] += noise * np.resize(breath, self.length) * np.float32(0.11 * self.style.wash)

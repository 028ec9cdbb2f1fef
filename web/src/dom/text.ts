// Formats times, durations and counts.
import { h } from './element'

export function when(text: string | null | undefined) {
  return text ? h('time', { datetime: text }, new Date(text).toLocaleString()) : ''
}

/** Formats a length: 75 is 1:15. */
export function length(seconds: number): string {
  const whole = Math.round(seconds)
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  if (!parts[0]) parts.shift()
  return parts.map((part, at) => (at ? String(part).padStart(2, '0') : part)).join(':')
}

/** Formats a duration in the largest unit that needs no fraction: 600 is "10 minutes". */
export function duration(seconds: number): string {
  for (const [unit, name] of [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
  ] as const) {
    if (seconds >= unit && seconds % unit === 0) return count(seconds / unit, name)
  }
  return count(seconds, 'second')
}

export const count = (number: number, noun: string) =>
  `${number.toLocaleString()} ${noun}${number === 1 ? '' : 's'}`

/** Formats a code: `user_timed_out` is "user timed out". */
export const spaced = (code: string) => code.replaceAll('_', ' ')

// A room's rules, and in words what they mean for who writes.
import { api, got, type Schemas } from '../client/api'
import { duration } from '../dom/text'

export type Rules = Schemas['ChatSettings']

export const streamRules = (streamId: number) =>
  got(api.GET('/api/chat/{streamId}/settings', { params: { path: { streamId } } }))

/** Only who moderates a room is told its blocked words. */
export const moderates = (rules: Rules) => Array.isArray(rules.blockedWords)

export function inWords({
  slowModeSeconds,
  followersOnly,
}: Pick<Rules, 'slowModeSeconds' | 'followersOnly'>): string {
  return [
    slowModeSeconds > 0 && `One message in ${duration(slowModeSeconds)}.`,
    followersOnly && 'Only followers write.',
  ]
    .filter(Boolean)
    .join(' ')
}

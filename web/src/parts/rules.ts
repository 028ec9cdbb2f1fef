// The rules of a chat room.
import { api, type Schemas, unwrap } from '../client/api'
import { duration } from '../dom/text'

export type Rules = Schemas['ChatSettings']

export const streamRules = (streamId: number) =>
  unwrap(api.GET('/api/chat/{streamId}/settings', { params: { path: { streamId } } }))

/** The API sends blocked errorText to moderators only. */
export const isModerator = (rules: Rules) => Array.isArray(rules.blockedWords)

export function describeRules({
  slowModeSeconds,
  followersOnly,
}: Pick<Rules, 'slowModeSeconds' | 'followersOnly'>): string {
  return [
    slowModeSeconds > 0 && `Slow mode: one message every ${duration(slowModeSeconds)}.`,
    followersOnly && 'Followers only.',
  ]
    .filter(Boolean)
    .join(' ')
}

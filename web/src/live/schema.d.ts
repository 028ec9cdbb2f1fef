// Generated from services/gateway/asyncapi.json by `npm run client`; do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Signs the socket in, for the first time or with the next token. */
        Authenticate: {
            /** @description An access token. */
            token: string;
        };
        /** @description A chat message. */
        ChatMessage: {
            id: string;
            message: string;
            /**
             * Format: int64
             * @description Its place in the room's sequence.
             */
            seq: number;
            /** Format: int64 */
            streamId: number;
            /** Format: date-time */
            timestamp?: string | null;
            /** Format: int64 */
            userId: number;
            username: string;
        };
        /** @description The rules of the room have changed. */
        ChatSettingsUpdated: {
            /** @description Only those who follow the owner speak. */
            followersOnly: boolean;
            /**
             * Format: int32
             * @description Between two messages of one user; 0 when there is no pause.
             */
            slowModeSeconds: number;
            /** Format: int64 */
            streamId: number;
        };
        /** @description Why an event was not done. */
        Failure: {
            /** @description Stable. */
            code: string;
            /** @description One sentence for a person. */
            message: string;
        };
        /**
         * @description Asks for the user's notifications. Has no data.
         * @default null
         */
        JoinNotificationRoom: unknown;
        /** @description Comes into the room of a stream that is live. A socket that is in it already gets the history again. */
        JoinStreamRoom: {
            /**
             * Format: int64
             * @description The `seq` of the last message that the client has: the history is of the next 500. Without it, of the newest 20.
             */
            afterSeq?: number | null;
            streamId: number | string;
        };
        /** @description Leaves the room of a stream. */
        LeaveStreamRoom: {
            streamId: number | string;
        };
        /** @description A message is gone; its number stays used. */
        MessageDeleted: {
            id: string;
            /** Format: int64 */
            seq: number;
            /** Format: int64 */
            streamId: number;
        };
        /** @description A notification, to all sockets of its user. */
        NewNotification: {
            /** Format: date-time */
            createdAt: string | null;
            /** Format: int64 */
            id: number;
            message: string;
            /** Format: int64 */
            relatedEntityId: number;
            /** @description `user`, `stream` or `vod`. */
            relatedEntityType: string;
            /** @description `new_follower`, `stream_started` or `new_vod`. */
            type: string;
        };
        /** @description Notifications were read, in whichever tab: those named, or all that there were. */
        NotificationRead: {
            all: boolean;
            /** @description Empty when all were read. */
            ids: number[];
            /** Format: int64 */
            unreadCount: number;
        };
        /** @description The socket hears its user's notifications. */
        NotificationRoomJoined: {
            /** @description `user_` and the user's id. */
            room: string;
        };
        /** @description The messages before those that follow, to whoever comes into a room. */
        RecentChatHistory: {
            /** @description In order of `seq`. */
            messages: components["schemas"]["ChatMessage"][];
            /** Format: int64 */
            streamId: number;
            /** @description There are more than these: older ones, or after `afterSeq` more of those that follow. */
            truncated: boolean;
        };
        /** @description Why an event was not done. */
        Refusal: {
            /** @description Stable. */
            code: string;
            /** @description One sentence for a person. */
            message: string;
            /** @constant */
            ok: false;
            /** @description Milliseconds after which a retry makes sense, where that is known. */
            retryAfterMs?: number;
        };
        /** @description The welcome, after the history. */
        RoomJoinedSuccessfully: {
            /** Format: int64 */
            streamId: number;
        };
        /** @description Says something in the room of a stream. */
        Saying: {
            /** @description Makes a retry safe: the same id is the same message. */
            clientMessageId?: string | null;
            /** @description 1 to 500 characters, at most 2 KiB. */
            message: string;
            streamId: number | string;
        };
        /** @description The process is about to stop: the client comes back after so many milliseconds, to another replica or to the next one. */
        ServerDraining: {
            /** Format: int64 */
            reconnectInMs: number;
        };
        /** @description The stream has ended, and everyone is out of its room. */
        StreamEndedNotification: {
            message: string;
            /** @description The stream's id as text. */
            roomId: string;
            /** Format: int64 */
            streamId: number;
        };
        /** @description The stream is live again, to those who were in its room at its last end. */
        StreamStarted: {
            /** Format: int64 */
            streamId: number;
        };
        /** @description The stream's words have changed. */
        StreamUpdated: {
            /** Format: int64 */
            categoryId: number | null;
            description: string;
            /** Format: int64 */
            streamId: number;
            title: string;
        };
        /** @description The socket's token has expired: it is a guest's until `authenticate`. */
        TokenExpired: Record<string, never>;
        /** @description Somebody may not speak any more, for good when `expiresAt` is null. */
        UserBanned: {
            /** Format: date-time */
            expiresAt: string | null;
            /** Format: int64 */
            streamId: number;
            /** Format: int64 */
            userId: number;
        };
        /** @description How many watch, at most once a second and only when it changed. */
        ViewerCountUpdated: {
            /** Format: int32 */
            count: number;
            /** Format: int64 */
            streamId: number;
        };
        ServerEvents: {
            chat_settings_updated: components["schemas"]["ChatSettingsUpdated"];
            message_deleted: components["schemas"]["MessageDeleted"];
            message_error: components["schemas"]["Failure"];
            new_message: components["schemas"]["ChatMessage"];
            new_notification: components["schemas"]["NewNotification"];
            notification_read: components["schemas"]["NotificationRead"];
            notification_room_join_error: components["schemas"]["Failure"];
            notification_room_joined: components["schemas"]["NotificationRoomJoined"];
            recent_chat_history: components["schemas"]["RecentChatHistory"];
            room_join_error: components["schemas"]["Failure"];
            room_joined_successfully: components["schemas"]["RoomJoinedSuccessfully"];
            server_draining: components["schemas"]["ServerDraining"];
            stream_ended_notification: components["schemas"]["StreamEndedNotification"];
            stream_started: components["schemas"]["StreamStarted"];
            stream_updated: components["schemas"]["StreamUpdated"];
            token_expired: components["schemas"]["TokenExpired"];
            user_banned: components["schemas"]["UserBanned"];
            viewer_count_updated: components["schemas"]["ViewerCountUpdated"];
        };
        ClientEvents: {
            authenticate: {
                data: components["schemas"]["Authenticate"];
                answer: {
                    /** Format: date-time */
                    expiresAt: string;
                    /** @constant */
                    ok: true;
                    /** Format: int64 */
                    userId: number;
                } | components["schemas"]["Refusal"];
            };
            chat_message: {
                data: components["schemas"]["Saying"];
                answer: {
                    id: string;
                    /** @constant */
                    ok: true;
                    /**
                     * Format: int64
                     * @description Its place in the room's sequence.
                     */
                    seq: number;
                } | components["schemas"]["Refusal"];
            };
            join_notification_room: {
                data: components["schemas"]["JoinNotificationRoom"];
                answer: {
                    /** @constant */
                    ok: true;
                    /** @description `user_` and the user's id. */
                    room: string;
                } | components["schemas"]["Refusal"];
            };
            join_stream_room: {
                data: components["schemas"]["JoinStreamRoom"];
                answer: {
                    /** @constant */
                    ok: true;
                    /** Format: int64 */
                    streamId: number;
                } | components["schemas"]["Refusal"];
            };
            leave_stream_room: {
                data: components["schemas"]["LeaveStreamRoom"];
                answer: {
                    /** @constant */
                    ok: true;
                    /** Format: int64 */
                    streamId: number;
                } | components["schemas"]["Refusal"];
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;

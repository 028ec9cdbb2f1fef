// Generated from services/gateway/asyncapi.json by `npm run client`; do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Signs in on the socket, or renews its token. */
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
             * @description Its sequence number in the room.
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
        /** @description The settings of the chat room changed. */
        ChatSettingsUpdated: {
            /** @description Whether only followers of the streamer may send messages. */
            followersOnly: boolean;
            /**
             * Format: int32
             * @description Seconds between two messages of one user; 0 if slow mode is off.
             */
            slowModeSeconds: number;
            /** Format: int64 */
            streamId: number;
        };
        /** @description Why an event was rejected. */
        EventError: {
            /** @description Stable. */
            code: string;
            /** @description One English sentence. */
            message: string;
        };
        /**
         * @description Subscribes to the user's notifications. Has no data.
         * @default null
         */
        JoinNotificationRoom: unknown;
        /** @description Joins the chat room of a live stream. A socket that is already in the room gets the history again. */
        JoinStreamRoom: {
            /**
             * Format: int64
             * @description The `seq` of the last message that the client has. The history then contains up to 500 messages after
             *     it; otherwise the newest 20.
             */
            afterSeq?: number | null;
            streamId: number | string;
        };
        /** @description Leaves the chat room of a stream. */
        LeaveStreamRoom: {
            streamId: number | string;
        };
        /** @description A message was deleted. Its sequence number is not reused. */
        MessageDeleted: {
            id: string;
            /** Format: int64 */
            seq: number;
            /** Format: int64 */
            streamId: number;
        };
        /** @description A notification. Clients may build their own sentence from `type`, `actor` and `subject`. */
        NewNotification: {
            actor: components["schemas"]["Person"] | null;
            /** Format: date-time */
            createdAt: string | null;
            /** Format: int64 */
            id: number;
            /** @description The notification as an English sentence. */
            message: string;
            /** Format: int64 */
            relatedEntityId: number;
            /** @description `user`, `stream` or `vod`. */
            relatedEntityType: string;
            subject: components["schemas"]["Subject"] | null;
            /** @description `new_follower`, `stream_started` or `new_vod`. */
            type: string;
        };
        /** @description Notifications were marked as read, by this or another client of the user. */
        NotificationRead: {
            all: boolean;
            /** @description Empty if all were read. */
            ids: number[];
            /** Format: int64 */
            unreadCount: number;
        };
        /** @description The socket receives its user's notifications. */
        NotificationRoomJoined: {
            /** @description `user_` followed by the user's id. */
            room: string;
        };
        /** @description A user in a list, or next to what they own. */
        Person: {
            avatarUrl?: string | null;
            displayName: string;
            /** Format: int64 */
            id: number;
            username: string;
        };
        /** @description The latest messages of a room, sent to a socket that joins it. */
        RecentChatHistory: {
            /** @description Ordered by `seq`. */
            messages: components["schemas"]["ChatMessage"][];
            /** Format: int64 */
            streamId: number;
            /** @description Whether messages were left out: older ones or, after `afterSeq`, newer ones. */
            truncated: boolean;
        };
        /** @description Why an event was rejected. */
        Rejection: {
            /** @description Stable. */
            code: string;
            /** @description One English sentence. */
            message: string;
            /** @constant */
            ok: false;
            /** @description Milliseconds to wait before a retry, if known. */
            retryAfterMs?: number;
        };
        /** @description The socket joined the room. Sent after the history. */
        RoomJoinedSuccessfully: {
            /** Format: int64 */
            streamId: number;
        };
        /** @description Sends a message to the chat room of a stream. */
        SendMessage: {
            /** @description Makes a retry safe: a message with the same id is stored once. */
            clientMessageId?: string | null;
            /** @description 1 to 500 characters and at most 2 KiB. */
            message: string;
            streamId: number | string;
        };
        /** @description The server is about to stop. Reconnect after this many milliseconds. */
        ServerDraining: {
            /** Format: int64 */
            reconnectInMs: number;
        };
        /** @description The stream ended, and all sockets left its room. */
        StreamEndedNotification: {
            message: string;
            /** @description The stream's id as a string. */
            roomId: string;
            /** Format: int64 */
            streamId: number;
        };
        /** @description The stream is live again. Sent to the sockets that were in its room when it ended. */
        StreamStarted: {
            /** Format: int64 */
            streamId: number;
        };
        /** @description The title, description or category of the stream changed. */
        StreamUpdated: {
            /** Format: int64 */
            categoryId: number | null;
            description: string;
            /** Format: int64 */
            streamId: number;
            title: string;
        };
        /** @description A stream or VOD as it was when the notification was created. */
        Subject: {
            /** Format: int64 */
            id: number;
            title: string;
        };
        /** @description The socket's token expired. The socket is a guest's until it sends `authenticate`. */
        TokenExpired: Record<string, never>;
        /** @description A user was banned from the chat room; permanently if `expiresAt` is null. */
        UserBanned: {
            /** Format: date-time */
            expiresAt: string | null;
            /** Format: int64 */
            streamId: number;
            /** Format: int64 */
            userId: number;
        };
        /** @description The viewer count of a stream changed. Sent at most once per second. */
        ViewerCountUpdated: {
            /** Format: int32 */
            count: number;
            /** Format: int64 */
            streamId: number;
        };
        ServerEvents: {
            chat_settings_updated: components["schemas"]["ChatSettingsUpdated"];
            message_deleted: components["schemas"]["MessageDeleted"];
            message_error: components["schemas"]["EventError"];
            new_message: components["schemas"]["ChatMessage"];
            new_notification: components["schemas"]["NewNotification"];
            notification_read: components["schemas"]["NotificationRead"];
            notification_room_join_error: components["schemas"]["EventError"];
            notification_room_joined: components["schemas"]["NotificationRoomJoined"];
            recent_chat_history: components["schemas"]["RecentChatHistory"];
            room_join_error: components["schemas"]["EventError"];
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
                } | components["schemas"]["Rejection"];
            };
            chat_message: {
                data: components["schemas"]["SendMessage"];
                answer: {
                    id: string;
                    /** @constant */
                    ok: true;
                    /**
                     * Format: int64
                     * @description Its sequence number in the room.
                     */
                    seq: number;
                } | components["schemas"]["Rejection"];
            };
            join_notification_room: {
                data: components["schemas"]["JoinNotificationRoom"];
                answer: {
                    /** @constant */
                    ok: true;
                    /** @description `user_` followed by the user's id. */
                    room: string;
                } | components["schemas"]["Rejection"];
            };
            join_stream_room: {
                data: components["schemas"]["JoinStreamRoom"];
                answer: {
                    /** @constant */
                    ok: true;
                    /** Format: int64 */
                    streamId: number;
                } | components["schemas"]["Rejection"];
            };
            leave_stream_room: {
                data: components["schemas"]["LeaveStreamRoom"];
                answer: {
                    /** @constant */
                    ok: true;
                    /** Format: int64 */
                    streamId: number;
                } | components["schemas"]["Rejection"];
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

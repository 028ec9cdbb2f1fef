// Generated from services/gateway/openapi.json by `npm run client`; not to be edited.

export interface paths {
    "/api/admin/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Accounts, newest first. */
        get: operations["listAccounts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/users/{id}/ban": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Bans an account: its tokens are refused, its sockets closed, its broadcast ended, its stream keys refused. */
        post: operations["banUser"];
        /** Ends a ban. */
        delete: operations["unbanUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/users/{id}/role": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Gives an account a role. Its access tokens are refused; the next refresh brings the new role. The last admin stays one. */
        put: operations["setRole"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/categories": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All categories. */
        get: operations["listCategories"];
        put?: never;
        /** Makes a category. Only for admins. */
        post: operations["createCategory"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/categories/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Categories with a tag. */
        get: operations["searchCategories"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/categories/{category}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One category, by id or slug. */
        get: operations["getCategory"];
        /** Changes a category; fields that are absent stay. Only for admins. */
        put: operations["updateCategory"];
        post?: never;
        /** Deletes a category; its streams and VODs go without one. Only for admins. */
        delete: operations["deleteCategory"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/{streamId}/bans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who may not speak in a room now, newest first: for the owner, moderators and admins. */
        get: operations["listChatBans"];
        put?: never;
        /**
         * Takes somebody the word, for a time or for good: for the owner, moderators and admins. Nobody bans the owner or an admin, and
         *     no moderator another (403 with `chat.user_protected`). The room is told.
         */
        post: operations["banFromChat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/{streamId}/bans/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Gives somebody the word again: for the owner, moderators and admins. */
        delete: operations["unbanFromChat"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/{streamId}/log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was done to moderate a room, newest first: for the owner, moderators and admins. */
        get: operations["listChatLog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/{streamId}/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A room's messages: a page from the newest back, or those before or after a message. Deleted ones are left out. */
        get: operations["listMessages"];
        put?: never;
        /**
         * Says something in a room. 403 with `chat.banned`, `chat.followers_only` or `chat.word_blocked`, and 429 with
         *     `chat.slow_mode` or `chat.rate_limited`, say why not.
         */
        post: operations["sendMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/{streamId}/messages/{messageId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Deletes a message: one's own, or any for the owner of the stream, moderators and admins. */
        delete: operations["deleteMessage"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/{streamId}/moderators": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A room's own moderators, newest first: for the owner, moderators and admins. */
        get: operations["listChatModerators"];
        put?: never;
        /** Makes somebody a moderator of a room: for the owner and admins. Who is one already stays one. */
        post: operations["addChatModerator"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/{streamId}/moderators/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Makes a moderator of a room somebody like all: for the owner and admins. */
        delete: operations["removeChatModerator"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/{streamId}/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A room's rules. `blockedWords` only for the owner, moderators and admins. */
        get: operations["getChatSettings"];
        /** Changes a room's rules: for the owner, moderators and admins. The room is told. */
        put: operations["updateChatSettings"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's notifications, newest first. */
        get: operations["listNotifications"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/notifications/read-all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Marks all as read. */
        post: operations["readAllNotifications"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/notifications/unread-count": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How many are unread. */
        get: operations["unreadCount"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/notifications/{id}/read": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Marks one as read. */
        post: operations["readNotification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/streams": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Streams, live ones first unless asked otherwise. */
        get: operations["listStreams"];
        put?: never;
        /** Makes a stream. Its encoder's server and key are in the answer; it is `ended` until media flows. */
        post: operations["createStream"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/streams/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Streams in which all words of the query are found, without regard to accents and case: in title, description, category, its
         *     tags, or the streamer's names. At least one of query, tag and streamer. The newest come first; totals stop at 10,000.
         */
        get: operations["searchStreams"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/streams/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One stream; its owner also gets the key. */
        get: operations["getStream"];
        /** Changes a stream; fields that are absent stay. Viewers are told while it is live. */
        put: operations["updateStream"];
        post?: never;
        /** Deletes a stream: a broadcast ends, its VODs stay. */
        delete: operations["deleteStream"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/streams/{id}/broadcasts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A stream's times on air; for its owner also why encoders were turned away. */
        get: operations["listBroadcasts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/streams/{id}/key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a new secret. The old one dies at once, and a broadcast on it ends. */
        post: operations["rotateKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/streams/{id}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends the broadcast. */
        post: operations["stopStream"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/streams/{id}/vod": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The newest VOD of a stream. */
        get: operations["latestVodOfStream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs in. */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends the session: its tokens are refused everywhere, and its sockets are closed, within a second. */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's own account. */
        get: operations["me"];
        put?: never;
        post?: never;
        /** Deletes one's account and what belongs to it. The name is free again. */
        delete: operations["deleteAccount"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Changes one's password. All other sessions end; this one goes on with the tokens of the answer, and those before it are refused. */
        put: operations["changePassword"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/me/profile": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Changes one's profile. */
        put: operations["updateProfile"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/profile/{username}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Someone's public profile. */
        get: operations["profile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Exchanges a refresh token for a new pair. A token that is used twice ends its session. */
        post: operations["refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes an account and signs in as it. */
        post: operations["register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{id}/follow": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Follows someone, who is told. */
        post: operations["follow"];
        /** Stops following someone. */
        delete: operations["unfollow"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{id}/followers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who follows someone. */
        get: operations["followers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{id}/following": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whom someone follows. */
        get: operations["following"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{id}/unfollow": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The same as DELETE of `follow`, for forms. */
        post: operations["unfollowByPost"];
        /** The same as DELETE of `follow`. */
        delete: operations["unfollowByName"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vod": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** VODs, newest first: those that are ready, and for their owner all. */
        get: operations["listVods"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vod/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * VODs in which all words of the query are found, without regard to accents and case: in title, description, category, its tags,
         *     or the owner's names. At least one of query, tag and uploader. The newest come first; totals stop at 10,000.
         */
        get: operations["searchVods"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vod/upload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a VOD of an object that is in the bucket already; the object stays. For admins. */
        post: operations["importVod"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vod/upload-local": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Uploads a video. The answer comes when its bytes are safe; it is `processing` until browsers can play it. */
        post: operations["uploadVod"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vod/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One VOD. Looking at it counts a view: one for each viewer in five minutes. The count that a guest is told may be a second old. */
        get: operations["getVod"];
        /** Changes a VOD. */
        put: operations["updateVod"];
        post?: never;
        /** Deletes a VOD and what is stored of it. */
        delete: operations["deleteVod"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vod/{id}/refresh-url": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs the URLs of a VOD anew. */
        post: operations["refreshVodUrl"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vod/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries a VOD that failed again. */
        post: operations["retryVod"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description An account as admins see it. */
        Account: components["schemas"]["Me"] & {
            banReason: string;
            /**
             * Format: date-time
             * @description Null when it is not banned.
             */
            bannedAt?: string | null;
        };
        /** @description Accounts. */
        AccountList: components["schemas"]["Totals"] & {
            users: components["schemas"]["Account"][];
        };
        /** @description One time on air. */
        Broadcast: {
            /** @description Viewers by minute. */
            curve: components["schemas"]["ViewerSample"][];
            /** @description Such as `publisher_gone`; empty while on air. */
            endReason: string;
            /**
             * Format: date-time
             * @description Absent while on air.
             */
            endedAt?: string | null;
            /** Format: int64 */
            id: number;
            /** Format: int32 */
            peakViewers: number;
            /** Format: date-time */
            startedAt?: string | null;
        };
        /** @description A stream's times on air. */
        BroadcastList: components["schemas"]["Totals"] & {
            broadcasts: components["schemas"]["Broadcast"][];
            /** @description The latest refusals, newest first; only for the owner. */
            refusals?: components["schemas"]["PublishRefusal"][] | null;
        };
        /** @description A category of streams and VODs. */
        Category: {
            /** Format: date-time */
            createdAt?: string | null;
            description: string;
            /** Format: int64 */
            id: number;
            name: string;
            slug: string;
            tags: string[];
            thumbnailUrl?: string | null;
            /** Format: date-time */
            updatedAt?: string | null;
        };
        /** @description What may be said of a category. */
        CategoryFields: {
            /** @description Up to 5,000 characters. */
            description?: string | null;
            /** @description 3 to 255 characters; its address, the slug, is made of it. */
            name?: string | null;
            /** @description Whether the picture goes; only for a change. */
            removeThumbnail?: boolean;
            /**
             * @description At most 20 of 1 to 30 characters, separated by commas or as an array.
             * @example strategy,building
             */
            tags?: string | string[] | null;
        };
        /** @description The same as a form, with a picture. */
        CategoryForm: components["schemas"]["CategoryFields"] & components["schemas"]["ThumbnailFile"] & Record<string, never>;
        /** @description Categories. */
        CategoryList: components["schemas"]["Totals"] & {
            categories: components["schemas"]["Category"][];
        };
        /** @description Somebody who may watch but not speak. */
        ChatBan: {
            /**
             * Format: int64
             * @description Who said so.
             */
            bannedBy: number;
            /** Format: date-time */
            createdAt?: string | null;
            /**
             * Format: date-time
             * @description Null: for good.
             */
            expiresAt?: string | null;
            reason: string;
            /** Format: int64 */
            streamId: number;
            user?: components["schemas"]["Person"] | null;
            /** Format: int64 */
            userId: number;
        };
        /** @description Who may not speak in a room now, newest first. */
        ChatBanList: components["schemas"]["Totals"] & {
            bans: components["schemas"]["ChatBan"][];
        };
        /** @description Who shall not speak, and for how long. */
        ChatBanOrder: {
            /** @description At most 500 characters. */
            reason?: string | null;
            /**
             * Format: int32
             * @description 1 to 31,536,000, a year; for good when it is left out.
             */
            seconds?: number | null;
            /** Format: int64 */
            userId: number;
        };
        /** @description Somebody was banned. */
        ChatBanned: {
            ban: components["schemas"]["ChatBan"];
            message: string;
        };
        /** @description What was done to moderate a room, newest first. */
        ChatLog: components["schemas"]["Totals"] & {
            log: components["schemas"]["ChatLogEntry"][];
        };
        /** @description Something that was done to moderate a room. */
        ChatLogEntry: {
            /**
             * @description `settings_updated`, `user_banned`, `user_timed_out`, `user_unbanned`, `moderator_added`, `moderator_removed` or
             *     `message_deleted`.
             */
            action: string;
            actor?: components["schemas"]["Person"] | null;
            /** Format: int64 */
            actorId: number;
            /** Format: date-time */
            createdAt?: string | null;
            id: string;
            messageId?: string | null;
            reason: string;
            /**
             * Format: int32
             * @description Of a time out.
             */
            seconds?: number | null;
            user?: components["schemas"]["Person"] | null;
            /** Format: int64 */
            userId?: number | null;
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
        /** @description Somebody who keeps order in a room. */
        ChatModerator: {
            /**
             * Format: int64
             * @description Who said so.
             */
            addedBy: number;
            /** Format: date-time */
            createdAt?: string | null;
            /** Format: int64 */
            streamId: number;
            user?: components["schemas"]["Person"] | null;
            /** Format: int64 */
            userId: number;
        };
        /** @description Somebody became a moderator. */
        ChatModeratorAdded: {
            message: string;
            moderator: components["schemas"]["ChatModerator"];
        };
        /** @description A room's own moderators, newest first; those of the whole site moderate as well. */
        ChatModeratorList: components["schemas"]["Totals"] & {
            moderators: components["schemas"]["ChatModerator"][];
        };
        /** @description Messages of a room, oldest first. Totals come with pages by number only. */
        ChatPage: {
            /** Format: int32 */
            currentPage?: number | null;
            data: components["schemas"]["ChatMessage"][];
            message: string;
            /** Format: int64 */
            totalMessages?: number | null;
            /** Format: int64 */
            totalPages?: number | null;
            /** @description There are more in the direction asked for. */
            truncated: boolean;
        };
        /** @description A message that was sent. */
        ChatSent: {
            data: components["schemas"]["ChatMessage"];
            message: string;
        };
        /** @description A room's rules. */
        ChatSettings: {
            /** @description Only for those who moderate the room. */
            blockedWords?: string[] | null;
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
        /** @description New rules; what is left out stays. */
        ChatSettingsChange: {
            /** @description All of them: at most 200, of 1 to 50 characters. Found as whole words, whatever the case and the accents. */
            blockedWords?: string[] | null;
            followersOnly?: boolean | null;
            /**
             * Format: int32
             * @description 0 to 3,600; 0 for no pause.
             */
            slowModeSeconds?: number | null;
        };
        /** @description Somebody, by id. */
        ChatSomebody: {
            /** Format: int64 */
            userId: number;
        };
        /** @description A stream that has just been made, with what its encoder needs. */
        CreatedStream: components["schemas"]["Stream"] & {
            /** @description The encoder's server. */
            rtmpUrl: string;
        };
        /** @description A name and its password. */
        Credentials: {
            password: string;
            username: string;
        };
        /** @description It is done. */
        Done: {
            message: string;
            success: boolean;
        };
        /** @description One field that breaks a rule. */
        FieldProblem: {
            /** @description The rule. */
            msg: string;
            /** @description The field's name. */
            path: string;
        };
        /** @description A follow. */
        Follow: {
            /** Format: date-time */
            createdAt?: string | null;
            /** Format: int64 */
            followerId: number;
            /** Format: int64 */
            followingId: number;
        };
        /** @description A follow that has just begun. */
        Followed: {
            data: components["schemas"]["Follow"];
            message: string;
            success: boolean;
        };
        /** @description Who follows someone. */
        Followers: components["schemas"]["Totals"] & {
            followers: components["schemas"]["Person"][];
        };
        /** @description Whom someone follows. */
        Following: components["schemas"]["Totals"] & {
            following: components["schemas"]["Person"][];
        };
        /** @description A new key; the one before it is dead. */
        Key: {
            message: string;
            rtmpUrl: string;
            streamKey: string;
            success: boolean;
        };
        /** @description Someone's own account. */
        Me: {
            avatarUrl?: string | null;
            bio: string;
            /** Format: date-time */
            createdAt?: string | null;
            displayName: string;
            /** Format: int64 */
            id: number;
            /** @description `user`, `moderator` or `admin`. */
            role: string;
            /** Format: date-time */
            updatedAt?: string | null;
            username: string;
        };
        /** @description Why somebody is banned. */
        NewBan: {
            /** @description Up to 500 characters. */
            reason?: string;
        };
        /** @description The old password and the new one. */
        NewPassword: {
            currentPassword: string;
            /** @description 8 to 1024 bytes. */
            newPassword: string;
        };
        /** @description A role to be. */
        NewRole: {
            /** @description `user`, `moderator` or `admin`. */
            role: string;
        };
        /** @description A notification. */
        Notification: {
            /** Format: date-time */
            createdAt?: string | null;
            /** Format: int64 */
            id: number;
            isRead: boolean;
            message: string;
            /** Format: int64 */
            relatedEntityId: number;
            /** @description `user`, `stream` or `vod`. */
            relatedEntityType: string;
            /** @description `new_follower`, `stream_started` or `new_vod`. */
            type: string;
        };
        /** @description The caller's notifications, newest first. */
        NotificationList: components["schemas"]["Totals"] & {
            notifications: components["schemas"]["Notification"][];
        };
        /** @description One stream. The RTMP address is only for the owner. */
        OneStream: {
            rtmpUrl?: string | null;
            stream: components["schemas"]["Stream"];
        };
        /** @description One VOD. */
        OneVod: {
            vod: components["schemas"]["Vod"];
        };
        /** @description Someone, in a list or beside what is theirs. */
        Person: {
            avatarUrl?: string | null;
            displayName: string;
            /** Format: int64 */
            id: number;
            username: string;
        };
        /** @description Absolute addresses of what is on air. */
        PlaybackUrls: {
            dash: string;
            hls: string;
        };
        /** @description What went wrong, as RFC 9457 says it. `message` and `error` repeat `detail` for older clients. */
        Problem: {
            /**
             * @description Stable, such as `stream.not_found`.
             * @example stream.not_found
             */
            code: string;
            /** @description One sentence for a person. */
            detail: string;
            error: string;
            /** @description The fields that break a rule. */
            errors: components["schemas"]["FieldProblem"][];
            message: string;
            /** @description Joins the log lines of this request; also in the header `X-Request-Id`. */
            requestId: string;
            /** Format: int32 */
            status: number;
            /** @description The status in words. */
            title: string;
            /** @description Always `about:blank`: `code` says what happened. */
            type: string;
        };
        /** @description Someone's public profile. */
        Profile: components["schemas"]["Me"] & {
            /** Format: int64 */
            followersCount: number;
            /** Format: int64 */
            followingCount: number;
            /** @description Whether the caller follows them; absent for guests. */
            isFollowing?: boolean | null;
        };
        /** @description What one may say of oneself; fields that are absent stay. */
        ProfileFields: {
            /** @description Up to 500 characters. */
            bio?: string | null;
            /** @description Up to 50 characters. */
            displayName?: string | null;
            /** @description Whether the picture goes. */
            removeAvatar?: boolean;
        };
        /** @description The same as a form, with a picture. */
        ProfileForm: components["schemas"]["ProfileFields"] & {
            /** @description JPEG, PNG, WebP or GIF, at most 5 MiB. */
            avatarFile?: Blob;
        } & Record<string, never>;
        /** @description Why an encoder was turned away. */
        PublishRefusal: {
            /** Format: date-time */
            at?: string | null;
            /** @description Such as `already_live` or `wrong_key`. */
            reason: string;
        };
        /** @description Some were read. */
        Read: {
            /** Format: int64 */
            affectedCount: number;
            notification?: components["schemas"]["Notification"] | null;
            success: boolean;
        };
        /** @description A refresh token. */
        Refresh: {
            refreshToken: string;
        };
        /** @description A new account. */
        Registration: {
            /** @description Up to 50 characters; the username when absent. */
            displayName?: string | null;
            /** @description 8 to 1024 bytes. */
            password: string;
            /**
             * @description 3 to 25 of A-Z a-z 0-9 _, no reserved word.
             * @example minh_anh
             */
            username: string;
        };
        /** @description What somebody says. */
        Saying: {
            /** @description Makes a retry safe: the same id is the same message. */
            clientMessageId?: string | null;
            /** @description 1 to 500 characters. */
            message: string;
        };
        /** @description A session that has just begun or was renewed. */
        Session: {
            /**
             * Format: date-time
             * @description When `token` expires.
             */
            expiresAt?: string | null;
            message: string;
            /** @description For `/users/refresh`, once. */
            refreshToken: string;
            /** @description For `Authorization: Bearer`. */
            token: string;
            user: components["schemas"]["Me"];
        };
        /** @description A stream: a title, a key and a chat room that outlive each time on air. */
        Stream: {
            category?: components["schemas"]["Category"] | null;
            /** Format: int64 */
            categoryId?: number | null;
            /** Format: date-time */
            createdAt?: string | null;
            /**
             * Format: int32
             * @description Distinct viewers now.
             */
            currentViewerCount: number;
            description: string;
            /**
             * Format: date-time
             * @description When media stopped.
             */
            endTime?: string | null;
            /** Format: int64 */
            id: number;
            playbackUrls?: components["schemas"]["PlaybackUrls"] | null;
            /** Format: date-time */
            startTime?: string | null;
            /** @description `live` or `ended`. */
            status: string;
            /** @description For the encoder, as one text; only for the owner. */
            streamKey?: string | null;
            thumbnailUrl?: string | null;
            title: string;
            /** Format: date-time */
            updatedAt?: string | null;
            user: components["schemas"]["Person"];
            /** Format: int64 */
            userId: number;
        };
        /** @description The answer to the making of a stream. */
        StreamCreated: {
            data: components["schemas"]["CreatedStream"];
            message: string;
            success: boolean;
        };
        /** @description What was looked for. */
        StreamCriteria: {
            searchQuery?: string | null;
            streamerUsername?: string | null;
            tag?: string | null;
        };
        /** @description A stream to which something was done. */
        StreamData: {
            data: components["schemas"]["Stream"];
            message: string;
            success: boolean;
        };
        /** @description What may be said of a stream. */
        StreamFields: {
            /**
             * Format: int64
             * @description An id, as a number or as digits; null or an empty text for none.
             */
            categoryId?: number | null;
            /** @description Up to 5,000 characters. */
            description?: string | null;
            /** @description Whether the picture goes; only for a change. */
            removeThumbnail?: boolean;
            /** @description 3 to 255 characters. */
            title?: string | null;
        };
        /** @description The same as a form, with a picture. */
        StreamForm: components["schemas"]["StreamFields"] & components["schemas"]["ThumbnailFile"] & Record<string, never>;
        /** @description Streams. */
        StreamList: components["schemas"]["Totals"] & {
            streams: components["schemas"]["Stream"][];
            /**
             * Format: int64
             * @description Equal to `totalItems`.
             */
            totalStreams?: number | null;
        };
        /** @description Streams that were found, and what was looked for. */
        StreamSearch: components["schemas"]["StreamList"] & {
            searchCriteria: components["schemas"]["StreamCriteria"];
        };
        /** @description The picture of a form, for the description. */
        ThumbnailFile: {
            /** @description JPEG, PNG, WebP or GIF, at most 5 MiB. */
            thumbnailFile?: Blob;
        };
        /** @description What is said beside the rows of a page: totals when it went by number, and where the next page begins. */
        Totals: {
            /** Format: int32 */
            currentPage?: number | null;
            /** @description For the parameter `cursor`; absent at the end. */
            nextCursor?: string;
            /** Format: int64 */
            totalItems?: number | null;
            /** @description There are at least `totalItems`; nobody counted on. */
            totalItemsCapped?: boolean;
            /** Format: int64 */
            totalPages?: number | null;
        };
        /** @description How many are unread. */
        Unread: {
            /** Format: int64 */
            unreadCount: number;
        };
        ViewerSample: {
            /** Format: date-time */
            at?: string | null;
            /** Format: int32 */
            viewers: number;
        };
        /** @description A video on demand. */
        Vod: {
            category?: components["schemas"]["VodCategory"] | null;
            /** Format: int64 */
            categoryId?: number | null;
            /** Format: date-time */
            createdAt?: string | null;
            description: string;
            /** Format: double */
            durationSeconds: number;
            /** @description Only for the owner. */
            failureReason?: string | null;
            /** Format: int64 */
            id: number;
            /** @description `processing`, `ready` or `failed`. */
            status: string;
            /**
             * Format: int64
             * @description The stream that it was recorded from; null for an upload.
             */
            streamId?: number | null;
            thumbnailUrl?: string | null;
            /** Format: date-time */
            thumbnailUrlExpiresAt?: string | null;
            title: string;
            /** Format: date-time */
            updatedAt?: string | null;
            /** Format: date-time */
            urlExpiresAt?: string | null;
            user: components["schemas"]["Person"];
            /** Format: int64 */
            userId: number;
            /** @description Presigned, until `urlExpiresAt`; null until ready. */
            videoUrl?: string | null;
            /** Format: int64 */
            viewCount: number;
        };
        VodCategory: {
            /** Format: int64 */
            id: number;
            name: string;
            slug: string;
        };
        /** @description A VOD that is new. */
        VodCreated: {
            /** @description A sentence for people. */
            message: string;
            vod: components["schemas"]["Vod"];
        };
        /** @description What was looked for. */
        VodCriteria: {
            searchQuery?: string | null;
            tag?: string | null;
            uploaderUsername?: string | null;
        };
        /** @description What may be said of a VOD; fields that are absent stay. */
        VodFields: {
            /**
             * Format: int64
             * @description An id, as a number or as digits; null or an empty text for none.
             */
            categoryId?: number | null;
            /** @description Up to 5,000 characters. */
            description?: string | null;
            /** @description Whether the picture goes. */
            removeThumbnail?: boolean;
            /** @description 3 to 255 characters. */
            title?: string | null;
        };
        /** @description The same as a form, with a picture. */
        VodForm: components["schemas"]["VodFields"] & components["schemas"]["ThumbnailFile"] & Record<string, never>;
        /** @description An object of the bucket that is to become a VOD. */
        VodImport: {
            /**
             * Format: int64
             * @description An id, as a number or as digits.
             */
            categoryId?: number | null;
            /** @description Up to 5,000 characters. */
            description?: string;
            /** @description In the folder `imports/` of the deployment's prefix, such as `imports/2026/talk.mp4`. */
            objectKey: string;
            /** @description 3 to 255 characters. */
            title: string;
            /**
             * Format: int64
             * @description Whose it becomes; the caller's unless set.
             */
            userId?: number | null;
        };
        /** @description VODs. */
        VodList: components["schemas"]["Totals"] & {
            vods: components["schemas"]["Vod"][];
        };
        /** @description VODs that were found, and what was looked for. */
        VodSearch: components["schemas"]["VodList"] & {
            searchCriteria: components["schemas"]["VodCriteria"];
        };
        /** @description The form of an upload. */
        VodUploadForm: {
            /**
             * Format: int64
             * @description An id in digits.
             */
            categoryId?: number | null;
            /** @description Up to 5,000 characters. */
            description?: string | null;
            /** @description JPEG, PNG, WebP or GIF, at most 5 MiB; a picture out of the video otherwise. */
            thumbnailFile?: Blob;
            /** @description 3 to 255 characters. */
            title: string;
            /** @description MP4, MOV, MKV, WebM, FLV, MPEG-TS or AVI; at most 2 GiB unless the operator has set another limit. */
            videoFile: Blob;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listAccounts: {
        parameters: {
            query?: {
                /** @description What the username begins with */
                query?: string;
                /** @description user, moderator or admin */
                role?: "user" | "moderator" | "admin";
                banned?: boolean;
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccountList"];
                };
            };
        };
    };
    banUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewBan"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
        };
    };
    unbanUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
        };
    };
    setRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRole"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
        };
    };
    listCategories: {
        parameters: {
            query?: {
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CategoryList"];
                };
            };
        };
    };
    createCategory: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CategoryFields"] & {
                    name: string;
                };
                "multipart/form-data": components["schemas"]["CategoryForm"] & {
                    name: string;
                };
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Category"];
                };
            };
        };
    };
    searchCategories: {
        parameters: {
            query: {
                /** @description The whole tag, without case */
                tag: string;
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CategoryList"];
                };
            };
        };
    };
    getCategory: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or slug */
                category: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Category"];
                };
            };
        };
    };
    updateCategory: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or slug */
                category: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CategoryFields"];
                "multipart/form-data": components["schemas"]["CategoryForm"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Category"];
                };
            };
        };
    };
    deleteCategory: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or slug */
                category: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    listChatBans: {
        parameters: {
            query?: {
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                streamId: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatBanList"];
                };
            };
        };
    };
    banFromChat: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                streamId: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChatBanOrder"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatBanned"];
                };
            };
        };
    };
    unbanFromChat: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                streamId: number;
                userId: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    listChatLog: {
        parameters: {
            query?: {
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                streamId: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatLog"];
                };
            };
        };
    };
    listMessages: {
        parameters: {
            query?: {
                page?: number;
                limit?: number;
                /** @description The newest below this seq */
                before?: number;
                /** @description The oldest above this seq */
                after?: number;
            };
            header?: never;
            path: {
                streamId: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatPage"];
                };
            };
        };
    };
    sendMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                streamId: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Saying"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatSent"];
                };
            };
        };
    };
    deleteMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                streamId: number;
                messageId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    listChatModerators: {
        parameters: {
            query?: {
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                streamId: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatModeratorList"];
                };
            };
        };
    };
    addChatModerator: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                streamId: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChatSomebody"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatModeratorAdded"];
                };
            };
        };
    };
    removeChatModerator: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                streamId: number;
                userId: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    getChatSettings: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                streamId: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatSettings"];
                };
            };
        };
    };
    updateChatSettings: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                streamId: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChatSettingsChange"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatSettings"];
                };
            };
        };
    };
    listNotifications: {
        parameters: {
            query?: {
                isRead?: boolean;
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationList"];
                };
            };
        };
    };
    readAllNotifications: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Read"];
                };
            };
        };
    };
    unreadCount: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Unread"];
                };
            };
        };
    };
    readNotification: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Read"];
                };
            };
        };
    };
    listStreams: {
        parameters: {
            query?: {
                /** @description live or ended */
                status?: "live" | "ended";
                categoryId?: number;
                userId?: number;
                /** @description Only those of the (newest 1,000) people whom the caller follows */
                following?: boolean;
                /** @description newest or viewers */
                sort?: "newest" | "viewers";
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StreamList"];
                };
            };
        };
    };
    createStream: {
        parameters: {
            query?: never;
            header?: {
                /** @description Names the request, so that sending it again makes no second stream */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StreamFields"] & {
                    title: string;
                };
                "multipart/form-data": components["schemas"]["StreamForm"] & {
                    title: string;
                };
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StreamCreated"];
                };
            };
        };
    };
    searchStreams: {
        parameters: {
            query?: {
                /** @description Words, or parts of at least three letters */
                searchQuery?: string;
                /** @description A tag of the category */
                tag?: string;
                /** @description The whole name, without case */
                streamerUsername?: string;
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StreamSearch"];
                };
            };
        };
    };
    getStream: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneStream"];
                };
            };
        };
    };
    updateStream: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StreamFields"];
                "multipart/form-data": components["schemas"]["StreamForm"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneStream"];
                };
            };
        };
    };
    deleteStream: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    listBroadcasts: {
        parameters: {
            query?: {
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BroadcastList"];
                };
            };
        };
    };
    rotateKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Key"];
                };
            };
        };
    };
    stopStream: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StreamData"];
                };
            };
        };
    };
    latestVodOfStream: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneVod"];
                };
            };
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Credentials"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Signed out */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
        };
    };
    deleteAccount: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewPassword"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    updateProfile: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProfileFields"];
                "multipart/form-data": components["schemas"]["ProfileForm"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
        };
    };
    profile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                username: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Profile"];
                };
            };
        };
    };
    refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Refresh"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    register: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Registration"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    follow: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Followed"];
                };
            };
        };
    };
    unfollow: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    followers: {
        parameters: {
            query?: {
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Followers"];
                };
            };
        };
    };
    following: {
        parameters: {
            query?: {
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Following"];
                };
            };
        };
    };
    unfollowByPost: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    unfollowByName: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    listVods: {
        parameters: {
            query?: {
                userId?: number;
                categoryId?: number;
                streamId?: number;
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VodList"];
                };
            };
        };
    };
    searchVods: {
        parameters: {
            query?: {
                /** @description Words, or parts of at least three letters */
                searchQuery?: string;
                /** @description A tag of the category */
                tag?: string;
                /** @description The whole name, without case */
                uploaderUsername?: string;
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VodSearch"];
                };
            };
        };
    };
    importVod: {
        parameters: {
            query?: never;
            header?: {
                /** @description Names the import, so that sending it again makes no second VOD */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VodImport"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VodCreated"];
                };
            };
        };
    };
    uploadVod: {
        parameters: {
            query?: never;
            header?: {
                /** @description Names the upload, so that sending it again makes no second VOD */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": components["schemas"]["VodUploadForm"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VodCreated"];
                };
            };
        };
    };
    getVod: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneVod"];
                };
            };
        };
    };
    updateVod: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VodFields"];
                "multipart/form-data": components["schemas"]["VodForm"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneVod"];
                };
            };
        };
    };
    deleteVod: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
        };
    };
    refreshVodUrl: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneVod"];
                };
            };
        };
    };
    retryVod: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneVod"];
                };
            };
        };
    };
}

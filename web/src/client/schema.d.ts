// Generated from services/gateway/openapi.json by `npm run client`; do not edit.

export interface paths {
    "/api/admin/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists accounts, newest first. */
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
        /** Bans an account: its tokens and stream keys are refused, its sockets are closed, its broadcast ends. */
        post: operations["banUser"];
        /** Lifts the ban of an account. */
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
        /**
         * Assigns a role to an account.
         * @description Its access tokens are refused; the next refresh brings the new role. The last admin cannot be demoted.
         */
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
        /** Lists all categories. */
        get: operations["listCategories"];
        put?: never;
        /**
         * Creates a category.
         * @description Only for admins.
         */
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
        /** Lists the categories with a tag. */
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
        /** Returns a category. */
        get: operations["getCategory"];
        /**
         * Updates a category; absent fields stay the same.
         * @description Only for admins.
         */
        put: operations["updateCategory"];
        post?: never;
        /**
         * Deletes a category; its streams and VODs stay without one.
         * @description Only for admins.
         */
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
        /**
         * Lists the current bans of a chat room, newest first.
         * @description Only for the owner, moderators and admins.
         */
        get: operations["listChatBans"];
        put?: never;
        /**
         * Bans a user from chat, permanently or for a time, and notifies the room.
         * @description Only for the owner, moderators and admins. The owner and admins cannot be banned, nor can moderators ban
         *     each other (403 with `chat.user_protected`).
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
        /**
         * Lifts a chat ban.
         * @description Only for the owner, moderators and admins.
         */
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
        /**
         * Lists the moderation log of a chat room, newest first.
         * @description Only for the owner, moderators and admins.
         */
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
        /**
         * Lists messages of a room: a page, counted from the newest message, or the messages before or after a
         *     sequence number.
         * @description Deleted messages are left out.
         */
        get: operations["listMessages"];
        put?: never;
        /**
         * Sends a message to a room.
         * @description The codes `chat.banned`, `chat.followers_only` and `chat.word_blocked` (403), and `chat.slow_mode` and
         *     `chat.rate_limited` (429) give the reason for a refusal.
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
        /** Deletes a message: one's own, or any as the owner of the stream, a moderator or an admin. */
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
        /**
         * Lists the moderators of a chat room, newest first.
         * @description Only for the owner, moderators and admins.
         */
        get: operations["listChatModerators"];
        put?: never;
        /**
         * Appoints a moderator of a chat room.
         * @description Idempotent. Only for the owner and admins.
         */
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
        /**
         * Dismisses a moderator of a chat room.
         * @description Only for the owner and admins.
         */
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
        /**
         * Returns the settings of a room.
         * @description Only the owner, moderators and admins get `blockedWords`.
         */
        get: operations["getChatSettings"];
        /**
         * Updates the settings of a room and notifies the room.
         * @description Only for the owner, moderators and admins.
         */
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
        /** Lists the caller's notifications, newest first. */
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
        /** Marks all notifications as read. */
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
        /** Returns the number of unread notifications. */
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
        /** Marks a notification as read. */
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
        /** Lists streams, live ones first by default. */
        get: operations["listStreams"];
        put?: never;
        /**
         * Creates a stream.
         * @description The answer contains the server and the key for the encoder; the stream is `ended` until the first
         *     broadcast.
         */
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
         * Searches streams that contain all words of the query in their title, description, category, its tags, or
         *     the streamer's names, ignoring accents and case.
         * @description At least one of query, tag and streamer is required. The newest come first; totals stop at 10,000.
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
        /** Returns a stream; its owner also gets the stream key. */
        get: operations["getStream"];
        /**
         * Updates a stream; absent fields stay the same.
         * @description Viewers of a live stream see the changes.
         */
        put: operations["updateStream"];
        post?: never;
        /**
         * Deletes a stream.
         * @description A broadcast ends; its VODs stay.
         */
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
        /** Lists the broadcasts of a stream, newest first; its owner also gets the latest publish rejections. */
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
        /**
         * Rotates the stream key.
         * @description The old key is revoked at once, and a broadcast that uses it ends.
         */
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
        /** Ends the broadcast of a stream. */
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
        /** Returns the newest VOD of a stream. */
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
        /**
         * Ends the session.
         * @description Its tokens are refused everywhere and its sockets are closed within a second.
         */
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
        /** Returns the caller's account. */
        get: operations["me"];
        put?: never;
        post?: never;
        /**
         * Deletes the caller's account and everything that belongs to it.
         * @description The username becomes available again.
         */
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
        /**
         * Changes the caller's password.
         * @description All sessions end; this one continues with the tokens in the answer.
         */
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
        /** Updates the caller's profile; absent fields stay the same. */
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
        /** Returns a user's public profile. */
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
        /**
         * Exchanges a refresh token for a new pair.
         * @description Using a refresh token twice ends its session.
         */
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
        /** Creates an account and signs in. */
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
        /** Follows a user and notifies them. */
        post: operations["follow"];
        /** Unfollows a user. */
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
        /** Lists the followers of a user. */
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
        /** Lists the users that a user follows. */
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
        /** Unfollows a user, like DELETE of `follow`; for forms, which cannot send DELETE. */
        post: operations["unfollowByPost"];
        /** Unfollows a user, like DELETE of `follow`. */
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
        /** Lists VODs that are ready, newest first; their owner sees all of them. */
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
         * Searches VODs that contain all words of the query in their title, description, category, its tags, or the
         *     owner's names, ignoring accents and case.
         * @description At least one of query, tag and uploader is required. The newest come first; totals stop at 10,000.
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
        /**
         * Imports an object of the bucket as a VOD; the object stays.
         * @description Only for admins.
         */
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
        /**
         * Uploads a video.
         * @description The answer comes when the bucket has stored it; the VOD is `processing` until browsers can play it.
         */
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
        /**
         * Returns a VOD and counts a view, once per viewer in five minutes.
         * @description For guests, the view count may be a second old.
         */
        get: operations["getVod"];
        /** Updates a VOD; absent fields stay the same. */
        put: operations["updateVod"];
        post?: never;
        /** Deletes a VOD and its files. */
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
        /** Renews the presigned URLs of a VOD. */
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
        /** Retries the processing of a failed VOD. */
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
             * @description Null if the account is not banned.
             */
            bannedAt?: string | null;
        };
        /** @description A page of accounts. */
        AccountList: components["schemas"]["Totals"] & {
            users: components["schemas"]["Account"][];
        };
        /** @description The file of an avatar. */
        AvatarFile: {
            /** @description JPEG, PNG, WebP or GIF, at most 5 MiB. */
            avatarFile?: Blob;
        };
        /** @description A broadcast: one time on air. */
        Broadcast: {
            /** @description Viewers per minute. */
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
        /** @description The broadcasts of a stream. */
        BroadcastList: components["schemas"]["Totals"] & {
            broadcasts: components["schemas"]["Broadcast"][];
            /** @description The latest publish rejections, newest first; only for the owner. */
            refusals?: components["schemas"]["PublishRejection"][] | null;
        };
        /** @description A category of streams and VODs. */
        Category: {
            /** Format: date-time */
            createdAt?: string | null;
            description: string;
            /** Format: int64 */
            id: number;
            /** @description The English name. */
            name: string;
            /**
             * @description Names the category in URLs. The slugs of the built-in categories never change, so clients can
             *     translate them.
             */
            slug: string;
            tags: string[];
            thumbnailUrl?: string | null;
            /** Format: date-time */
            updatedAt?: string | null;
        };
        /** @description An update of a category; absent fields stay the same. */
        CategoryFields: {
            /** @description Up to 5,000 characters. */
            description?: string | null;
            /** @description 3 to 255 characters. The slug, which names the category in URLs, is derived from it. */
            name?: string | null;
            /** @description Removes the thumbnail. */
            removeThumbnail?: boolean;
            /**
             * @description At most 20 tags of 1 to 30 characters, separated by commas or as an array.
             * @example strategy,building
             */
            tags?: string | string[] | null;
        };
        /** @description The category as a form, with a thumbnail. */
        CategoryForm: components["schemas"]["CategoryFields"] & components["schemas"]["ThumbnailFile"];
        /** @description A page of categories. */
        CategoryList: components["schemas"]["Totals"] & {
            categories: components["schemas"]["Category"][];
        };
        /** @description A chat ban: the user may watch, but not send messages. */
        ChatBan: {
            /**
             * Format: int64
             * @description The id of the user who imposed the ban.
             */
            bannedBy: number;
            /** Format: date-time */
            createdAt?: string | null;
            /**
             * Format: date-time
             * @description Null if the ban is permanent.
             */
            expiresAt?: string | null;
            reason: string;
            /** Format: int64 */
            streamId: number;
            user?: components["schemas"]["Person"] | null;
            /** Format: int64 */
            userId: number;
        };
        /** @description The current chat bans of a room, newest first. */
        ChatBanList: components["schemas"]["Totals"] & {
            bans: components["schemas"]["ChatBan"][];
        };
        /** @description A chat ban that was imposed. */
        ChatBanned: {
            ban: components["schemas"]["ChatBan"];
            message: string;
        };
        /** @description The moderation log of a chat room, newest first. */
        ChatLog: components["schemas"]["Totals"] & {
            log: components["schemas"]["ChatLogEntry"][];
        };
        /** @description An entry of a moderation log. */
        ChatLogEntry: {
            /**
             * @description `settings_updated`, `user_banned`, `user_timed_out`, `user_unbanned`, `moderator_added`,
             *     `moderator_removed` or `message_deleted`.
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
             * @description The length of a temporary ban.
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
        /** @description A moderator of one chat room. */
        ChatModerator: {
            /**
             * Format: int64
             * @description The id of the user who appointed the moderator.
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
        /** @description A moderator who was appointed. */
        ChatModeratorAdded: {
            message: string;
            moderator: components["schemas"]["ChatModerator"];
        };
        /** @description The moderators of one chat room, newest first; moderators of the whole site are not listed. */
        ChatModeratorList: components["schemas"]["Totals"] & {
            moderators: components["schemas"]["ChatModerator"][];
        };
        /** @description Messages of a room, oldest first. Only pages by number have totals. */
        ChatPage: {
            /** Format: int32 */
            currentPage?: number | null;
            data: components["schemas"]["ChatMessage"][];
            message: string;
            /** Format: int64 */
            totalMessages?: number | null;
            /** Format: int64 */
            totalPages?: number | null;
            /** @description There are more messages in the requested direction. */
            truncated: boolean;
        };
        /** @description A message that was sent. */
        ChatSent: {
            data: components["schemas"]["ChatMessage"];
            message: string;
        };
        /** @description The settings of a chat room. */
        ChatSettings: {
            /** @description Only for those who moderate the room. */
            blockedWords?: string[] | null;
            /** @description Only followers of the streamer may send messages. */
            followersOnly: boolean;
            /**
             * Format: int32
             * @description Seconds between two messages of one user; 0 if slow mode is off.
             */
            slowModeSeconds: number;
            /** Format: int64 */
            streamId: number;
        };
        /** @description An update of the settings of a chat room; absent fields stay the same. */
        ChatSettingsUpdate: {
            /**
             * @description Replaces all blocked words: at most 200 of 1 to 50 characters. They match whole words, ignoring case
             *     and accents.
             */
            blockedWords?: string[] | null;
            /** @description Only followers of the streamer may send messages. */
            followersOnly?: boolean | null;
            /**
             * Format: int32
             * @description Seconds between two messages of one user, up to 3,600; 0 turns slow mode off.
             */
            slowModeSeconds?: number | null;
        };
        /** @description A new stream, with what its encoder needs. */
        CreatedStream: components["schemas"]["Stream"] & {
            /** @description The server of the encoder. */
            rtmpUrl: string;
        };
        /** @description A username and password. */
        Credentials: {
            password: string;
            username: string;
        };
        /** @description A confirmation. */
        Done: {
            /** @description An English sentence. */
            message: string;
            success: boolean;
        };
        /** @description A field that is not valid. */
        FieldProblem: {
            /**
             * @description A stable code of the rule, for clients that translate.
             * @example out_of_range
             */
            code: string;
            /** @description The rule in English. */
            msg: string;
            /** @description The numbers and words of the rule, such as `min` and `max`. */
            params: Record<string, never>;
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
        /** @description A new follow. */
        Followed: {
            data: components["schemas"]["Follow"];
            message: string;
            success: boolean;
        };
        /** @description The followers of a user. */
        Followers: components["schemas"]["Totals"] & {
            followers: components["schemas"]["Person"][];
        };
        /** @description The users that a user follows. */
        Following: components["schemas"]["Totals"] & {
            following: components["schemas"]["Person"][];
        };
        /** @description A new stream key; the old one is revoked. */
        Key: {
            message: string;
            rtmpUrl: string;
            streamKey: string;
            success: boolean;
        };
        /** @description A user's own account. */
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
        /** @description The reason for a ban. */
        NewBan: {
            /** @description Up to 500 characters. */
            reason?: string;
        };
        /** @description A new category. */
        NewCategory: {
            /** @description Up to 5,000 characters. */
            description?: string | null;
            /** @description 3 to 255 characters. The slug, which names the category in URLs, is derived from it. */
            name: string;
            /**
             * @description At most 20 tags of 1 to 30 characters, separated by commas or as an array.
             * @example strategy,building
             */
            tags?: string | string[] | null;
        };
        /** @description The category as a form, with a thumbnail. */
        NewCategoryForm: components["schemas"]["NewCategory"] & components["schemas"]["ThumbnailFile"];
        /** @description A chat ban to impose. */
        NewChatBan: {
            /** @description Up to 500 characters. */
            reason?: string | null;
            /**
             * Format: int32
             * @description 1 to 31,536,000 (one year); permanent if absent.
             */
            seconds?: number | null;
            /** Format: int64 */
            userId: number;
        };
        /** @description A chat moderator to appoint. */
        NewChatModerator: {
            /** Format: int64 */
            userId: number;
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
        /** @description The current password and a new one. */
        NewPassword: {
            currentPassword: string;
            /** @description 8 to 1024 bytes. */
            newPassword: string;
        };
        /** @description A role to assign. */
        NewRole: {
            /**
             * @description `user`, `moderator` or `admin`.
             * @enum {string}
             */
            role: "user" | "moderator" | "admin";
        };
        /** @description A new stream. */
        NewStream: {
            /**
             * Format: int64
             * @description An id, as a number or as digits.
             */
            categoryId?: number | null;
            /** @description Up to 5,000 characters. */
            description?: string | null;
            /** @description 3 to 255 characters. */
            title: string;
        };
        /** @description The stream as a form, with a thumbnail. */
        NewStreamForm: components["schemas"]["NewStream"] & components["schemas"]["ThumbnailFile"];
        /** @description A new VOD. */
        NewVod: {
            /**
             * Format: int64
             * @description An id, as a number or as digits.
             */
            categoryId?: number | null;
            /** @description Up to 5,000 characters. */
            description?: string | null;
            /** @description 3 to 255 characters. */
            title: string;
        };
        /** @description A notification in the caller's list. */
        Notification: components["schemas"]["NewNotification"] & {
            isRead: boolean;
        };
        /** @description The caller's notifications, newest first. */
        NotificationList: components["schemas"]["Totals"] & {
            notifications: components["schemas"]["Notification"][];
        };
        /** @description A stream. The RTMP URL is only for the owner. */
        OneStream: {
            rtmpUrl?: string | null;
            stream: components["schemas"]["Stream"];
        };
        /** @description A VOD. */
        OneVod: {
            vod: components["schemas"]["Vod"];
        };
        /** @description A user in a list, or next to what they own. */
        Person: {
            avatarUrl?: string | null;
            displayName: string;
            /** Format: int64 */
            id: number;
            username: string;
        };
        /** @description Absolute URLs of the playlists. */
        PlaybackUrls: {
            dash: string;
            hls: string;
        };
        /** @description A problem (RFC 9457). `message` and `error` repeat `detail` for older clients. */
        Problem: {
            /**
             * @description A stable code, such as `stream.not_found`.
             * @example stream.not_found
             */
            code: string;
            /** @description An English sentence. */
            detail: string;
            error: string;
            /** @description The fields that are not valid. */
            errors: components["schemas"]["FieldProblem"][];
            message: string;
            /** @description Correlates the log lines of this request; also in the header `X-Request-Id`. */
            requestId: string;
            /** Format: int32 */
            status: number;
            /** @description The status in words. */
            title: string;
            /** @description Always `about:blank`; `code` tells problems apart. */
            type: string;
        };
        /** @description A public profile. */
        Profile: components["schemas"]["Me"] & {
            /** Format: int64 */
            followersCount: number;
            /** Format: int64 */
            followingCount: number;
            /** @description Whether the caller follows the user; absent for guests. */
            isFollowing?: boolean | null;
        };
        /** @description An update of the caller's profile; absent fields stay the same. */
        ProfileFields: {
            /** @description Up to 500 characters. */
            bio?: string | null;
            /** @description Up to 50 characters. */
            displayName?: string | null;
            /** @description Removes the avatar. */
            removeAvatar?: boolean;
        };
        /** @description The profile as a form, with an avatar. */
        ProfileForm: components["schemas"]["ProfileFields"] & components["schemas"]["AvatarFile"];
        /** @description A refused publish. */
        PublishRejection: {
            /** Format: date-time */
            at?: string | null;
            /** @description Such as `already_live` or `wrong_key`. */
            reason: string;
        };
        /** @description Notifications that were marked as read. */
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
            /** @description Up to 50 characters; the username by default. */
            displayName?: string | null;
            /** @description 8 to 1024 bytes. */
            password: string;
            /**
             * @description 3 to 25 of the characters A-Z a-z 0-9 _; some names are reserved.
             * @example minh_anh
             */
            username: string;
        };
        /** @description A message to send. */
        SendMessage: {
            /** @description Makes a retry safe: a message with the same id is sent once. */
            clientMessageId?: string | null;
            /** @description 1 to 500 characters. */
            message: string;
        };
        /** @description A new or renewed session. */
        Session: {
            /**
             * Format: date-time
             * @description When `token` expires.
             */
            expiresAt?: string | null;
            message: string;
            /** @description For one call of `/users/refresh`. */
            refreshToken: string;
            /** @description The access token, for `Authorization: Bearer`. */
            token: string;
            user: components["schemas"]["Me"];
        };
        /** @description A stream: a title, a stream key and a chat room, which outlive each broadcast. */
        Stream: {
            category?: components["schemas"]["Category"] | null;
            /** Format: int64 */
            categoryId?: number | null;
            /** Format: date-time */
            createdAt?: string | null;
            /** Format: int32 */
            currentViewerCount: number;
            description: string;
            /**
             * Format: date-time
             * @description When the video stopped.
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
        /** @description The answer to a created stream. */
        StreamCreated: {
            data: components["schemas"]["CreatedStream"];
            message: string;
            success: boolean;
        };
        /** @description The criteria of a search. */
        StreamCriteria: {
            searchQuery?: string | null;
            streamerUsername?: string | null;
            tag?: string | null;
        };
        /** @description The answer to a changed stream. */
        StreamData: {
            data: components["schemas"]["Stream"];
            message: string;
            success: boolean;
        };
        /** @description An update of a stream; absent fields stay the same. */
        StreamFields: {
            /**
             * Format: int64
             * @description An id, as a number or as digits; null or an empty text removes the category.
             */
            categoryId?: number | null;
            /** @description Up to 5,000 characters. */
            description?: string | null;
            /** @description Removes the thumbnail. */
            removeThumbnail?: boolean;
            /** @description 3 to 255 characters. */
            title?: string | null;
        };
        /** @description The stream as a form, with a thumbnail. */
        StreamForm: components["schemas"]["StreamFields"] & components["schemas"]["ThumbnailFile"];
        /** @description A page of streams. */
        StreamList: components["schemas"]["Totals"] & {
            streams: components["schemas"]["Stream"][];
            /**
             * Format: int64
             * @description Equal to `totalItems`.
             */
            totalStreams?: number | null;
        };
        /** @description Search results, with the criteria. */
        StreamSearch: components["schemas"]["StreamList"] & {
            searchCriteria: components["schemas"]["StreamCriteria"];
        };
        /** @description A stream or VOD as it was when the notification was created. */
        Subject: {
            /** Format: int64 */
            id: number;
            title: string;
        };
        /** @description The file of a thumbnail. */
        ThumbnailFile: {
            /** @description JPEG, PNG, WebP or GIF, at most 5 MiB. */
            thumbnailFile?: Blob;
        };
        /** @description Totals of a page by number, and the place where the next page begins. */
        Totals: {
            /** Format: int32 */
            currentPage?: number | null;
            /** @description For the parameter `cursor`; absent at the end. */
            nextCursor?: string;
            /** Format: int64 */
            totalItems?: number | null;
            /** @description Counting stopped at `totalItems`; there may be more. */
            totalItemsCapped?: boolean;
            /** Format: int64 */
            totalPages?: number | null;
        };
        /** @description The number of unread notifications. */
        Unread: {
            /** Format: int64 */
            unreadCount: number;
        };
        /** @description The files of a new VOD. */
        VideoFiles: {
            /** @description JPEG, PNG, WebP or GIF, at most 5 MiB. By default, a frame of the video. */
            thumbnailFile?: Blob;
            /** @description MP4, MOV, MKV, WebM, FLV, MPEG-TS or AVI; at most 2 GiB unless the operator has set another limit. */
            videoFile: Blob;
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
             * @description The stream that was recorded; null for an upload.
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
            /** @description A presigned URL, valid until `urlExpiresAt`; null until the VOD is ready. */
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
        /** @description A new VOD. */
        VodCreated: {
            /** @description An English sentence. */
            message: string;
            vod: components["schemas"]["Vod"];
        };
        /** @description The criteria of a search. */
        VodCriteria: {
            searchQuery?: string | null;
            tag?: string | null;
            uploaderUsername?: string | null;
        };
        /** @description An update of a VOD; absent fields stay the same. */
        VodFields: {
            /**
             * Format: int64
             * @description An id, as a number or as digits; null or an empty text removes the category.
             */
            categoryId?: number | null;
            /** @description Up to 5,000 characters. */
            description?: string | null;
            /** @description Removes the thumbnail. */
            removeThumbnail?: boolean;
            /** @description 3 to 255 characters. */
            title?: string | null;
        };
        /** @description The VOD as a form, with a thumbnail. */
        VodForm: components["schemas"]["VodFields"] & components["schemas"]["ThumbnailFile"];
        /** @description An object of the bucket to import as a VOD. */
        VodImport: {
            /**
             * Format: int64
             * @description An id, as a number or as digits.
             */
            categoryId?: number | null;
            /** @description Up to 5,000 characters. */
            description?: string;
            /** @description An object in the folder `imports/` of the deployment's prefix, such as `imports/2026/talk.mp4`. */
            objectKey: string;
            /** @description 3 to 255 characters. */
            title: string;
            /**
             * Format: int64
             * @description The owner of the VOD; the caller by default.
             */
            userId?: number | null;
        };
        /** @description A page of VODs. */
        VodList: components["schemas"]["Totals"] & {
            vods: components["schemas"]["Vod"][];
        };
        /** @description Search results, with the criteria. */
        VodSearch: components["schemas"]["VodList"] & {
            searchCriteria: components["schemas"]["VodCriteria"];
        };
        /** @description The VOD as a form, with its video. */
        VodUploadForm: components["schemas"]["NewVod"] & components["schemas"]["VideoFiles"];
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
                /** @description The beginning of the username */
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
                "application/json": components["schemas"]["NewCategory"];
                "multipart/form-data": components["schemas"]["NewCategoryForm"];
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
                /** @description The whole tag, in any case */
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
                "application/json": components["schemas"]["NewChatBan"];
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
                /** @description Returns the newest messages below this sequence number */
                before?: number;
                /** @description Returns the oldest messages above this sequence number */
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
                "application/json": components["schemas"]["SendMessage"];
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
                "application/json": components["schemas"]["NewChatModerator"];
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
                "application/json": components["schemas"]["ChatSettingsUpdate"];
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
                /** @description Only streams of users that the caller follows (the 1,000 followed last) */
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
                /** @description Makes a retry safe: repeating a request with the same key returns the first result */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewStream"];
                "multipart/form-data": components["schemas"]["NewStreamForm"];
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
                /** @description Words, or parts of words with at least three letters */
                searchQuery?: string;
                /** @description A tag of the category */
                tag?: string;
                /** @description The whole username, in any case */
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
                /** @description Words, or parts of words with at least three letters */
                searchQuery?: string;
                /** @description A tag of the category */
                tag?: string;
                /** @description The whole username, in any case */
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
                /** @description Makes a retry safe: repeating a request with the same key returns the first result */
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
                /** @description Makes a retry safe: repeating a request with the same key returns the first result */
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

DROP TABLE purges;
DROP TABLE fanouts;
DROP TABLE notifications;

-- A saved view can be the one that its page opens with, for the person whose view it is.

ALTER TABLE user_observability_views ADD COLUMN "is_default" BOOLEAN;

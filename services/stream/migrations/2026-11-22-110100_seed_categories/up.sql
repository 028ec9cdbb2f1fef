INSERT INTO categories (name, slug, description, tags) VALUES
    ('Just Chatting', 'just-chatting', 'Conversation with the audience.', '{talk,community}'),
    ('Gaming', 'gaming', 'Games of every kind, played live.', '{games,play}'),
    ('Music', 'music', 'Concerts, practice and production.', '{audio,performance}'),
    ('Art', 'art', 'Drawing, painting, crafts and design.', '{creative,drawing}'),
    ('Software Development', 'software-development', 'Writing and reading code together.', '{programming,technology}'),
    ('Science and Technology', 'science-technology', 'Experiments, hardware and explanations.', '{education,technology}'),
    ('Sports and Fitness', 'sports-fitness', 'Matches, training and movement.', '{sports,health}'),
    ('Food and Cooking', 'food-cooking', 'Recipes, kitchens and tastings.', '{cooking,lifestyle}');

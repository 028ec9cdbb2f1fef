DELETE FROM categories WHERE slug IN (
    'just-chatting', 'gaming', 'music', 'art', 'software-development', 'science-technology', 'sports-fitness', 'food-cooking'
);

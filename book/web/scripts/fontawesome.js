/* Replaces the theme's 1.5 MB script of the same name: the icons of this book come from web fonts. */

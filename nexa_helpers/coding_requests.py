"""Assignment real_model, sections 2 and 7: requests for code, hints for a wish, plain requests.

No function is asked for in both splits.
"""

import random

from nexa_helpers.chat import Message

TRAIN_GOALS = """
returns the largest number of a list; returns the sum of two numbers; counts the words in a sentence
checks whether a number is even; converts miles to kilometers; removes spaces from a string
returns the last item of a list; multiplies all numbers of a list
checks whether a year is a leap year
returns the absolute value of a number; joins two lists; counts how often a letter is in a word
converts hours to minutes; returns the first three letters of a word; checks whether a list is empty
computes the area of a rectangle; doubles each number of a list; returns the keys of a dictionary
checks whether a word starts with a vowel; returns the square root of a number
replaces commas by semicolons in a string; counts the even numbers of a list
computes the price with a discount in percent; returns the shortest word of a list
checks whether all numbers of a list are positive; converts a string to lower case
returns the difference of two dates in days; splits a string at commas
computes the power of a number; returns a list without its first item
checks whether two strings have the same length; counts the lines of a text
returns the middle item of a list; computes the perimeter of a square; rounds a number to two digits
checks whether a key is in a dictionary; returns the numbers from one to n
computes the speed from distance and time; removes a given item from a list
returns the words of a sentence in reverse order; checks whether a number is a multiple of five
adds one to each number of a list; computes the number of seconds in a day
returns the initials of a name; repeats a string n times; checks whether a character is a digit
returns the values of a dictionary as a list; computes the distance of two points on a line
"""
TEST_GOALS = """
reverses a list; returns the smallest number of a list; checks whether a word is a palindrome
counts the vowels in a word; computes the factorial of a number; sorts a list in descending order
converts Celsius to Fahrenheit; returns the average of a list; removes duplicates from a list
checks whether a number is prime; returns the longest word of a list; swaps two variables
computes the area of a circle; returns the n-th Fibonacci number; merges two dictionaries
checks whether two words are anagrams; capitalizes each word of a sentence; counts items in a list
returns the second largest number of a list; computes the greatest common divisor of two numbers
flattens a list of lists; checks whether a string is a number; returns the digits of a number
converts a list of words to one string; computes compound interest; finds the index of an item
returns all odd numbers of a list; checks whether a list is sorted; computes the median of a list
removes punctuation from a string; returns the most common item of a list
converts kilograms to pounds
computes the body mass index; checks whether a password has at least eight characters
returns the common items of two lists; computes the volume of a cube
reverses each word of a sentence
checks whether a string contains a substring; returns the number of days in a month
computes the sum of the digits of a number; splits a list into two halves
squares each number of a list
returns a random item of a list; converts a number to binary; counts the characters of a string
checks whether a number is between two others; returns the unique letters of a word
computes the product of two matrices; rotates a list by one place; returns the current year
removes empty strings from a list; checks whether a triangle is valid; converts minutes to seconds
computes the running total of a list; returns the items at even positions; inverts a dictionary
computes the hypotenuse of a right triangle; checks whether a file name ends with .txt
returns the number with the opposite sign; counts the upper case letters of a string
pads a string with zeros; groups words by their first letter; computes the tip for a bill
checks whether a list contains duplicates
"""
PLAIN_REQUESTS = """
What is the capital of France?; Name three fruits.; Why is the sky blue?; What is a triangle?
Write one sentence about the sea.; How many days does a week have?; What do bees make?
Give me a tip for better sleep.; Who wrote Romeo and Juliet?; What is the opposite of hot?
Explain what a volcano is.; Name a musical instrument.; What is water made of?; Describe a cat.
Which planet is closest to the sun?; How do I boil an egg?; What is a library for?
Name two colors of a rainbow.; What is the largest ocean?; Why do people exercise?
What is a synonym of happy?; Write a short greeting for a birthday.; What is democracy?
Give an example of a mammal.; How do plants grow?; What is the purpose of a bridge?
Name a city in Italy.; What does a doctor do?; Explain what rain is.; What is a noun?
Suggest a name for a dog.; What is snow?
"""
HINTS = {
    "typed": "Write type hints for all arguments and for the return value.",
    "documented": "Write a docstring inside the function.",
    "brief": "Answer with one block of code only, without any explanation.",
}


def goals_of(split: str) -> list[str]:
    """List what the functions of a split shall do: 48 to train with, 64 unseen ones to test with.

    Raises:
        ValueError: The split is neither ``"train"`` nor ``"test"``.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split: expected train or test, got {split!r}")
    text = TRAIN_GOALS if split == "train" else TEST_GOALS
    return [goal.strip() for goal in text.replace("\n", ";").split(";") if goal.strip()]


def plain_requests() -> list[str]:
    """List requests that are not about code: an adapter should not change their answers."""
    lines = PLAIN_REQUESTS.replace("\n", ";").split(";")
    return [line.strip() for line in lines if line.strip()]


def code_request(goal: str, wishes: tuple[str, ...] = ()) -> list[Message]:
    """Ask for a function; hints for some wishes stand at the end of the user's turn.

    There, and not in the system turn, which this model hardly heeds.
    """
    hints = "".join(" " + HINTS[wish] for wish in wishes)
    return [{"role": "user", "content": f"Write a Python function that {goal}.{hints}"}]


def draw_goals(count: int, rng: random.Random) -> list[str]:
    """Draw training goals, none twice in one draw."""
    return rng.sample(goals_of("train"), count)

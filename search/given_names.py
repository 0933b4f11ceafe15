"""First names that are common in Germany, folded: who stands before a surname with one of these is somebody."""

from poststelle.german import fold

GIVEN_NAMES = frozenset(
    fold("""
    Achim Adam Adele Agnes Ahmed Albert Alex Alexander Alexandra Alfred Ali Alina Amelie Andrea Andreas Angela Angelika
    Anita Anja Anke Anna Anne Anneliese Annette Anni Anton Antonia Armin Arne Arno Arnold Astrid August Axel Ayse
    Barbara Bastian Beate Ben Benedikt Benjamin Bernd Bernhard Berta Bettina Birgit Bjarne Björn Boris Brigitte Bruno
    Carina Carla Carmen Carola Carolin Caroline Carsten Cem Charlotte Christa Christian Christiane Christina Christine
    Christof Christoph Clara Claudia Claus Clemens Conrad Constantin Cornelia Dagmar Daniel Daniela David Denis Dennis
    Detlef Dieter Dietmar Dietrich Dirk Dominik Dora Doris Dorothea Eberhard Eckhard Edeltraud Edgar Edith Egon Elena
    Elfriede Elias Elisabeth Elke Ella Ellen Else Emil Emilia Emma Emre Enno Erich Erika Erna Ernst Erwin Esther Eva
    Evelyn Fabian Fatma Felix Ferdinand Finn Florian Frank Franz Franziska Fred Frieda Friedrich Friederike Frieder
    Fritz Gabi Gabriele Georg Gerald Gerd Gerda Gerhard Gertrud Gesa Gisela Gottfried Greta Gregor Gudrun Guido Günter
    Günther Gustav Hanna Hannah Hannelore Hannes Hans Harald Hartmut Hatice Hauke Hedwig Heide Heidi Heike Heiko Heiner
    Heinrich Heinz Helena Helene Helga Helmut Henning Henrik Henry Herbert Hermann Herta Hilde Hildegard Hinrich Holger
    Horst Hubert Hugo Ida Ilse Imke Ina Ines Inga Inge Ingeborg Ingo Ingrid Irene Iris Irma Irmgard Isabel Isabell
    Jakob Jan Jana Janina Jannik Jens Jessica Joachim Jochen Johann Johanna Johannes Jonas Jörg Jörn Josef Joseph Judith
    Julia Julian Julius Jürgen Jutta Kai Karin Karl Karla Karoline Karsten Katharina Kathrin Katja Katrin Kerstin Kevin
    Kirsten Klara Klaus Knut Konrad Konstantin Kristin Kristina Kurt Lara Lars Laura Lea Lena Leni Leo Leon Leonie
    Liane Lina Linda Lisa Lothar Louis Luca Lucas Ludwig Luisa Luise Lukas Lutz Lydia Magdalena Maik Maja Malte Manfred
    Manuel Manuela Marc Marcel Marco Marcus Maren Margarete Margit Margot Maria Marianne Marie Marina Mario Marion Mark
    Markus Marlene Marlies Marta Martha Martin Martina Mathias Mathilde Matthias Max Maximilian Mehmet Meike Melanie
    Mia Michael Michaela Mike Milan Mira Miriam Mohammed Monika Moritz Murat Mustafa Nadine Nadja Natalie Nele
    Nicole Nico Niklas Nikolaus Nils Nina Noah Nora Norbert Olaf Ole Oliver Olga Oskar Otto Pascal Patricia Patrick
    Paul Paula Pauline Peer Peter Petra Philip Philipp Pia Rainer Ralf Ralph Ramona Raphael Regina Reinhard Reiner
    Renate René Ria Ricarda Richard Rita Robert Robin Roland Rolf Roman Rosa Rosemarie Roswitha Rudi Rudolf Rüdiger
    Ruth Sabine Sabrina Samuel Sandra Sara Sarah Sascha Saskia Sebastian Selma Siegfried Sigrid Silke Silvia Simon
    Simone Sofia Sofie Sonja Sophia Sophie Stefan Stefanie Steffen Stephan Stephanie Susanne Susann Sven Svenja Sybille
    Sylvia Tamara Tanja Tatjana Thea Theo Theodor Theresa Thomas Thorsten Till Tim Timo Tina Tobias Tom Torben Torsten
    Udo Ulf Ulrich Ulrike Ursula Ute Uwe Valentin Vanessa Vera Verena Veronika Viktor Viktoria Vincent Volker Walter
    Waltraud Werner Wiebke Wilfried Wilhelm Wilma Wolf Wolfgang Yannick Yusuf Yvonne
    """).split()
)  # fmt: skip
